/**
 * Collect updates, at the site: in a secure round the masks go over the words that wait in the outbox (fedsum, section A.4:
 * S3 and S4); in sealed mode the contribution lies there sealed. Then it is uploaded. One update, one mask (E.6): what
 * masks is erased as the root of the masked bytes is signed, so those bytes leave, or none.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { MaskedInput, Shares } from '@consilium/protos/secagg/messages.ts'
import { complaintMessage, inputMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { groupSecret, sumTagger } from '@consilium/protos/secagg/sum-tags.ts'
import { uploadRoot } from '@consilium/protos/secagg/transcript.ts'
import { isTagged } from '@consilium/protos/secagg/vectors.ts'
import type { Assignment } from './assignment.ts'
import { settleColumns } from './columns.ts'
import { inRound } from './events.ts'
import { maskedHashes, maskUpdate, seedsOf } from './mask-update.ts'
import { settlePartners } from './partners.ts'
import {
  assertNotLost,
  dueSession,
  heldOf,
  isSame,
  type Session,
  type SessionState,
  sealState,
  secretsOf,
  secureCohort,
  updateLost,
} from './session.ts'
import { type CheckedDirectory, knownDirectory } from './share-keys.ts'
import { checkSharers, openShares } from './shares.ts'
import type { Site } from './site.ts'
import { settleTestRows } from './test-rows.ts'

/**
 * S3 and S4: checks who shares masks, masks the words that wait and uploads them. Before the first byte leaves, it is on
 * the disk which sharers this site masked for; it never masks for others. The same request again uploads the same bytes.
 */
export async function collectMasked(
  { planHash, sharers, received }: Shares,
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
): Promise<void> {
  const session = dueSession(planHash, site)
  const cohort = secureCohort(assignment, site.name)
  const { directory, shareKeys } = session.state
  if (!directory || !shareKeys)
    throw new FederationError('shares-invalid', 'this site has shared no keys for this plan')
  const checked = knownDirectory(directory, assignment, site.name)
  const u2Hash = checkSharers(sharers, shareKeys, checked, cohort)
  if (session.record.u2Hash && session.record.u2Hash !== hex(u2Hash))
    throw new FederationError('shares-invalid', 'this site was told of other sharers of its masks before')
  const signed = session.state.masked
  if (signed) {
    await assertSigned(signed, assignment, site)
    return upload(planHash, site, signal, signed)
  }
  const state = takeShares(session, { sharers, received }, checked, cohort.index, site)
  settleColumns(assignment, site.store)
  settlePartners(assignment.plan, assignment.study.manifest, site)
  settleTestRows(assignment, site)
  // S4: the ledger's commit.
  site.store.sessions.commit(planHash, hex(u2Hash), sealState(state, planHash, site))
  const masked = await maskOutbox({ ...session, state }, checked, u2Hash, assignment, site, signal)
  signal.throwIfAborted()
  await upload(planHash, site, signal, masked)
}

/** Uploads the sealed contribution. What masks lie over leaves only for the sharers that it was masked for. */
export async function uploadSealed({ planHash, plan }: Assignment, site: Site, signal: AbortSignal): Promise<void> {
  if (plan.secure)
    throw new FederationError('message-invalid', 'a secure round was asked for its update without shares of its masks')
  await upload(planHash, site, signal)
}

/** Uploads the finished contribution; after a cut it goes on from what the coordinator has. */
async function upload(planHash: Sha256, site: Site, signal: AbortSignal, masked?: MaskedInput): Promise<void> {
  const finished = site.store.journal.find(planHash)
  if (!finished || !site.store.outbox.isReady(planHash)) return
  await site.link.upload({
    planHash,
    path: site.store.outbox.path(planHash),
    study: finished.study,
    ...(masked && { masked }),
    onProgress: (sentBytes, totalBytes) =>
      site.emit({ type: 'uploading', ...inRound(planHash, finished), sentBytes, totalBytes }),
    signal,
  })
  site.store.journal.uploaded(planHash)
  site.emit({ type: 'uploaded', ...inRound(planHash, finished), bytes: finished.bytes })
}

/** The session with the shares in it; says which peer's is wrong, and throws `shares-invalid` then. */
function takeShares(
  session: Session,
  { sharers, received }: Pick<Shares, 'sharers' | 'received'>,
  checked: CheckedDirectory,
  index: number,
  site: Site,
): SessionState {
  const { planHash } = session.record
  const secrets = secretsOf(session)
  const opened = openShares(received, sharers, secrets.channelSecretKey, checked, index)
  if (opened.wrong) {
    const { against, reason } = opened.wrong
    const signature = signMessage(site.identity, complaintMessage(checked.sid, index, against, reason))
    const study = site.store.journal.find(planHash)?.study ?? ''
    site.link.send({ type: 'complaint', planHash, against, reason, signature }, study)
    const dealer = site.store.journal.planOf(planHash)?.cohort[against - 1] ?? against
    throw new FederationError('shares-invalid', `what ${dealer} dealt this site is wrong (${reason})`)
  }
  const own = heldOf(session).get(index)!
  const held = new Map(
    sharers.map((dealer) => {
      const { s, b } = opened.held.get(dealer.index) ?? own
      return [dealer.index, { s, b }]
    }),
  )
  const group = groupSecret(
    sharers.map((dealer) => ({ index: dealer.index, part: opened.held.get(dealer.index)?.group ?? secrets.group })),
  )
  return { ...session.state, held, sharers, group }
}

/**
 * The bytes are durable before their root is signed, and with the signature goes what could mask others: a crash in between
 * finds the words and masks them again, to the same bytes, of which none has left.
 */
async function maskOutbox(
  session: Session,
  checked: CheckedDirectory,
  u2Hash: Uint8Array,
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
): Promise<MaskedInput> {
  const { planHash } = assignment
  const { secure, index } = secureCohort(assignment, site.name)
  const { outbox, sessions } = site.store
  const sharers = session.state.sharers!.map((sharer) => sharer.index)
  const words = { path: outbox.wordsPath(planHash), planHash, identity: site.identity, vectors: secure.vectors }
  const secrets = secretsOf(session)
  const seeds = seedsOf(index, secrets, checked, sharers)
  const tagger = isTagged(assignment.plan.purpose) ? { tagger: sumTagger(session.state.group!, checked.sid) } : {}
  const masking = { words, seeds, u2Hash, ...tagger, threads: site.maskThreads, signal }
  const vectorHashes = await maskUpdate(masking, outbox.path(planHash))
  signal.throwIfAborted()
  const vectors = secure.vectors.map(({ name }, i) => ({ name, sha256: vectorHashes[i]! }))
  const root = uploadRoot(checked.sid, index, vectors)
  const signature = signMessage(site.identity, inputMessage(checked.sid, u2Hash, index, root))
  const masked = { root, vectorHashes, signature }
  const { secrets: _, ...kept } = session.state
  sessions.reseal(planHash, sealState({ ...kept, masked }, planHash, site))
  for (const secret of Object.values(secrets)) secret.fill(0)
  for (const seed of [seeds.self, ...seeds.pairs.values()]) seed.fill(0)
  dropWords(assignment, site)
  return masked
}

/** Those bytes or nothing: throws `session-lost` where the file is gone, or not the one whose root was signed. */
async function assertSigned(signed: MaskedInput, assignment: Assignment, site: Site): Promise<void> {
  const { planHash } = assignment
  assertNotLost(planHash, site)
  const { secure } = secureCohort(assignment, site.name)
  const hashes = await maskedHashes(site.store.outbox.path(planHash), secure.vectors)
  if (!isSame(hashes, signed.vectorHashes)) throw updateLost('damaged')
  dropWords(assignment, site)
}

/** The words of a round among partners stay: should it be attempted again, they are masked once more. */
function dropWords({ planHash, plan }: Assignment, { store: { outbox } }: Pick<Site, 'store'>): void {
  if (plan.purpose === 'train') outbox.removeWords(planHash)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
