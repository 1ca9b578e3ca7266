/**
 * Takes in the sites' updates, sealed or masked: checked against the round before a byte is kept, staged as they come, gone
 * on with after a cut, compared with their hashes, and an event once complete. A newer call of the same site for the same
 * plan takes over from an older one.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { contributionLength, headerBytesMax, vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { Purpose, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { sealedLength } from '@consilium/protos/sealing/sealed-update.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import type { RunProcess } from '../driving/run-process.ts'
import { checkUpload } from '../round/check-upload.ts'
import type { Update } from '../round/planned.ts'
import type { OpenRound } from '../round/round.ts'
import type { Run } from '../run/state.ts'
import type { UploadHeader } from '../services.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { uploadId } from '../summing/upload-id.ts'
import { openSerial } from './serial.ts'

export type Uploads = {
  /** How much of the site's update for the plan is here. */
  offset(site: SiteName, planHash: Sha256): Promise<{ readonly offset: number; readonly complete: boolean }>
  /** Resolves with the bytes that are here once `chunks` end; see FederationService.upload. */
  upload(site: SiteName, header: UploadHeader, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly size: number }>
}

export type UploadsOptions = {
  readonly objects: ObjectStore
  readonly clock: Clock
  /** The run of which this is or was a plan. */
  readonly findRun: (planHash: Sha256) => RunProcess | undefined
}

export function openUploads({ objects, clock, findRun }: UploadsOptions): Uploads {
  const serial = openSerial()
  /** The newest call of each upload under way. */
  const newest = new Map<string, symbol>()

  function openRun(planHash: Sha256): RunProcess {
    const process = findRun(planHash)
    const round = process?.run.current
    if (process && round && round.phase !== 'recruit' && round.planHash === planHash) return process
    throw new FederationError('stale-round', 'the round of this plan is over: its update is of no more use')
  }

  /** Throws where the site may not upload this now; a late upload of a dropped site is recorded. */
  async function check(site: SiteName, { planHash, sha256, size }: UploadHeader) {
    const process = openRun(planHash)
    const round = process.run.current!
    const bytesMax = checkSize(process.run.manifest, round, size)
    try {
      return { process, bytesMax, state: checkUpload(round, site, { sha256, bytes: size }) }
    } catch (error) {
      await process.command({ type: 'refuse-late-update', planHash, site })
      throw error
    }
  }

  /** Announces the update where that is new. True where all of it is here already. */
  async function begin(site: SiteName, header: UploadHeader): Promise<boolean> {
    const { planHash, sha256, size, masked } = header
    const { process, state } = await check(site, header)
    if (state === 'received') return true
    const id = uploadId(planHash, site)
    if (!announcedBy(process.run, site)) {
      checkMasked(process.run.current!, header)
      await objects.dropStaged(id)
      await process.command({
        type: 'announce-update',
        planHash,
        site,
        sha256,
        bytes: size,
        ...(masked && { masked }),
      })
      // What the site signed did not hold: it is out of the round now.
      await check(site, header)
    }
    const staged = await objects.staged(id)
    if (header.offset !== staged)
      throw new FederationError(
        'offset-mismatch',
        `${staged} bytes are here: go on from there, not from ${header.offset}`,
      )
    return staged === size ? complete(site, header) : false
  }

  async function stage(site: SiteName, header: UploadHeader, offset: number, chunk: Uint8Array): Promise<boolean> {
    const { planHash, size } = header
    const { process, bytesMax } = await check(site, header)
    const staged = offset + chunk.length
    if (staged > size) throw new FederationError('limit-exceeded', `more bytes came than the ${size} announced`)
    await objects.stage(uploadId(planHash, site), offset, chunk)
    process.progress.uploaded(planHash, site, staged, bytesMax, clock.now().getTime())
    process.moved()
    return staged === size ? complete(site, header) : false
  }

  async function complete(site: SiteName, header: UploadHeader): Promise<true> {
    const { planHash, sha256, size } = header
    const id = uploadId(planHash, site)
    await objects.commitStaged(id, sha256)
    const process = openRun(planHash)
    const wrong = await wrongVector(objects, id, process.run.current!, site)
    if (wrong !== undefined) {
      const reason = `update-invalid: ${wrong}: its bytes are not those whose hash the site signed`
      await process.command({ type: 'misbehave', planHash, site, reason })
    }
    await process.command({ type: 'receive-update', planHash, site, sha256, bytes: size })
    if (!process.pastRound(planHash)) await check(site, header)
    return true
  }

  return {
    offset(site, planHash) {
      const id = uploadId(planHash, site)
      // Whoever asks is about to begin anew: an older call, perhaps on a dead connection, ends.
      newest.delete(id)
      return serial(id, async () => {
        const past = findRun(planHash)?.pastRound(planHash)?.updates.get(site)
        if (past) return { offset: past.bytes, complete: true }
        const announced = announcedBy(openRun(planHash).run, site)
        const staged = await objects.staged(id)
        if (!announced || staged < announced.bytes) return { offset: staged, complete: false }
        // All was here when the coordinator was killed, but not in the log.
        const header = { planHash, sha256: announced.sha256, size: announced.bytes, offset: staged }
        return { offset: staged, complete: await begin(site, header) }
      })
    },
    async upload(site, header, chunks) {
      const id = uploadId(header.planHash, site)
      const call = Symbol(id)
      newest.set(id, call)
      try {
        let offset = header.offset
        if (await serial(id, () => begin(site, header))) return { size: header.size }
        for await (const chunk of chunks) {
          const isComplete = await serial(id, async () => {
            if (newest.get(id) !== call) throw new FederationError('stale-round', 'a newer call took over this upload')
            return stage(site, header, offset, chunk)
          })
          offset += chunk.length
          if (isComplete) break
        }
        return { size: offset }
      } finally {
        if (newest.get(id) === call) newest.delete(id)
      }
    },
  }
}

/** What the site announced for the open round. */
function announcedBy({ current }: Run, site: SiteName): Update | undefined {
  if (current?.phase === 'collect-updates') return current.announced.get(site)
  return current && 'updates' in current ? current.updates.get(site) : undefined
}

/** Throws where the size is none that an update to this round can have; gives the largest. */
function checkSize(manifest: StudyManifest, round: OpenRound, size: number): number {
  const secure = 'plan' in round && round.plan.secure
  if (secure) {
    const due = secureUploadBytes(secure.vectors)
    if (size === due) return due
    throw new FederationError('limit-exceeded', `a masked update to this round has ${due} bytes, not ${size}`)
  }
  const bytesMax = updateBytesMax(manifest, round.setting.purpose)
  if (size >= 1 && size <= bytesMax) return bytesMax
  throw new FederationError('limit-exceeded', `an update to this round has 1 to ${bytesMax} bytes, not ${size}`)
}

function checkMasked(round: OpenRound, { masked }: UploadHeader): void {
  const isSecure = 'plan' in round && round.plan.secure !== undefined
  if (isSecure === (masked !== undefined)) return
  const message = isSecure
    ? 'this round takes masked updates only'
    : 'this round takes sealed updates, none under masks'
  throw new FederationError('update-invalid', message)
}

/** The name of a masked vector whose bytes are not those that the site signed the hash of; undefined where all are. */
async function wrongVector(
  objects: ObjectStore,
  id: string,
  round: OpenRound,
  site: SiteName,
): Promise<string | undefined> {
  if (round.phase !== 'collect-updates' || !round.session) return undefined
  const hashes = round.session.inputs.get(site)?.vectorHashes ?? []
  let offset = 0
  for (const [i, { name, words }] of round.session.plan.vectors.entries()) {
    const end = offset + 4 * words
    const hash = createHash('sha256')
    for (; offset < end; offset += chunkBytesMax)
      hash.update(await objects.readStaged(id, offset, Math.min(chunkBytesMax, end - offset)))
    offset = end
    if (!hash.digest().equals(hashes[i] ?? new Uint8Array())) return name
  }
  return undefined
}

/** Bytes of the largest sealed contribution to such a round. */
function updateBytesMax(manifest: StudyManifest, purpose: Purpose): number {
  const elementBytes = purpose === 'train' ? 4 : 8
  return sealedLength(headerBytesMax + contributionLength(purpose, vectorSizes(manifest)) * elementBytes)
}
