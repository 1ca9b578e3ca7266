/**
 * From the shares that a threshold of survivors revealed: the self-mask seed of every survivor and the mask key of every
 * dropout, each checked against what its site had advertised, and with them the masks left in the sum (fedsum, A.7, A.8).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import type { Advertisement } from '@consilium/protos/secagg/signed-messages.ts'
import {
  type Culprit,
  type Removal,
  type RemovalSeed,
  rebuildChecked,
  removalSeeds,
  type Wanted,
} from '@consilium/protos/secagg/unmask.ts'
import { rosterEntry, type UnmaskingSession } from '../round/session.ts'
import type { StoredMessages } from './stored-messages.ts'

export type Rebuilding = {
  readonly seeds: readonly RemovalSeed[]
  /** The secrets that the seeds follow from, in the order of the sites. */
  readonly removal: Removal
  /** Who revealed a wrong share; the others' were enough. */
  readonly culprits: readonly { readonly site: SiteName; readonly reason: Culprit['reason'] }[]
}

/** Rejects with `shares-invalid`, naming whose secret cannot be rebuilt and why. */
export async function rebuildSecrets(session: UnmaskingSession, messages: StoredMessages): Promise<Rebuilding> {
  const releases = await Promise.all(
    [...session.revealed].map(async ([site, { message }]) => ({
      from: rosterEntry(session, site).index,
      revealed: (await messages.unmask(message)).revealed,
    })),
  )
  const culprits: { site: SiteName; reason: Culprit['reason'] }[] = []
  const rebuilt: RebuiltSecret[] = []
  for (const site of session.sharers) {
    const wanted = wantedOf(session, site, await messages.shareKeys(session.shared.get(site)!.message))
    const { secret, culprits: found } = rebuildChecked(wanted, sharesOf(wanted, releases))
    culprits.push(...found.map(({ index, reason }) => ({ site: nameOf(session, index), reason })))
    if (!secret) throw lostSecret(session, site, found)
    rebuilt.push({ site, advertised: advertisedBy(session, site), secret })
  }
  const removal = removalOf(session, rebuilt)
  return { seeds: removalSeeds(removal), removal, culprits }
}

type RebuiltSecret = { readonly site: SiteName; readonly advertised: Advertisement; readonly secret: Uint8Array }

function removalOf(session: UnmaskingSession, rebuilt: readonly RebuiltSecret[]): Removal {
  const survives = ({ site }: { site: SiteName }) => session.survivors.includes(site)
  return {
    sid: session.sid,
    survivors: rebuilt
      .filter(survives)
      .map(({ advertised: { index, maskKey }, secret }) => ({ index, maskKey, selfSeed: secret })),
    dropouts: rebuilt
      .filter((each) => !survives(each))
      .map(({ advertised: { index }, secret }) => ({ index, maskSecretKey: secret })),
  }
}

function wantedOf(session: UnmaskingSession, site: SiteName, dealt: ShareKeysMessage): Wanted {
  const { sid, thresholds } = session
  const { index, maskKey } = advertisedBy(session, site)
  const kind = session.survivors.includes(site) ? 'b' : 's'
  const commitments = new Map(
    dealt.rows.map((row) => [row.index, kind === 's' ? row.keyCommitment : row.selfCommitment]),
  )
  const common = { sid, index, threshold: thresholds.threshold, commitments }
  return kind === 's' ? { ...common, kind, maskKey } : { ...common, kind, selfCommitment: dealt.selfCommitment }
}

function sharesOf(
  { index, kind }: Wanted,
  releases: readonly { readonly from: number; readonly revealed: Unmask['revealed'] }[],
): { readonly from: number; readonly share: Uint8Array }[] {
  return releases.flatMap(({ from, revealed }) => {
    const found = revealed.find((each) => each.index === index && each.kind === kind)
    return found ? [{ from, share: found.share }] : []
  })
}

function advertisedBy({ advertised }: UnmaskingSession, site: SiteName): Advertisement {
  return readAdvertisement(advertised.get(site)!.body)
}

function lostSecret(session: UnmaskingSession, dealer: SiteName, culprits: readonly Culprit[]): FederationError {
  const dealt = culprits.some(({ reason }) => reason === 'shares-rebuild-another-secret')
  const liars = culprits.filter(({ index }) => index !== rosterEntry(session, dealer).index)
  const why = dealt
    ? `${dealer} dealt shares of another secret than the one it advertised`
    : `too few right shares of ${dealer} were revealed; wrong ones by ${liars.map(({ index }) => nameOf(session, index)).join(', ') || 'nobody'}`
  return new FederationError('shares-invalid', `the masks of ${dealer} cannot be removed: ${why}`)
}

/** The roster stands in the order of the indices, from 1 on. */
function nameOf({ roster }: UnmaskingSession, index: number): SiteName {
  return roster[index - 1]!.name
}
