/**
 * What the sums under verification were made of, for sites that make them again: kept in memory from the commit until the
 * round is over, and gathered anew from the staged uploads and the revealed shares after a restart.
 */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { isReplayed, type Replay } from '@consilium/protos/secagg/replay.ts'
import type { Removal } from '@consilium/protos/secagg/unmask.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import type { UnmaskingSession } from '../round/session.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { uploadId } from './upload-id.ts'

export type Replays = {
  /** Reads the uploads while they are staged; nothing where they are too long together. */
  put(planHash: Sha256, session: UnmaskingSession, removal: Removal): Promise<void>
  /** `missing`: it is due and not here, so the sum cannot be asked about yet. */
  loaded(planHash: Sha256, session: UnmaskingSession): Replay | 'missing' | undefined
  /** The round of the plan is over. */
  forget(planHash: Sha256): void
}

export function openReplays(objects: ObjectStore): Replays {
  const known = new Map<Sha256, Replay>()
  const isDue = ({ plan, survivors }: UnmaskingSession) => isReplayed(plan.vectors, survivors.length)
  return {
    async put(planHash, session, { survivors, dropouts }) {
      if (!isDue(session)) return
      const bytes = secureUploadBytes(session.plan.vectors)
      const uploads = survivors.map(({ index }) =>
        objects.readStaged(uploadId(planHash, session.roster[index - 1]!.name), 0, bytes),
      )
      known.set(planHash, {
        selfSeeds: survivors.map(({ selfSeed }) => Uint8Array.from(selfSeed)),
        maskSecretKeys: dropouts.map(({ maskSecretKey }) => Uint8Array.from(maskSecretKey)),
        uploads: await Promise.all(uploads),
      })
    },
    loaded: (planHash, session) => known.get(planHash) ?? (isDue(session) ? 'missing' : undefined),
    forget: (planHash) => void known.delete(planHash),
  }
}
