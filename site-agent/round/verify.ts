/**
 * Verify, at the site (fedsum, section E.3): the sum that the coordinator committed is that of what was masked, by the tags
 * that hang on the group secret, and makes the very model or standardisation that it says. The site goes on from what it
 * computed here; its signed word lets others who were not in the round do so too.
 */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { readHeaderSum } from '@consilium/protos/secagg/header.ts'
import type { SumNotVerified, Verified, VerifySum } from '@consilium/protos/secagg/messages.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { signMessage, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { readStatistics } from '@consilium/protos/secagg/statistics.ts'
import { addHeader, areTagsRight, sumTagger } from '@consilium/protos/secagg/sum-tags.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import { assertEnoughContribute } from '@consilium/protos/strategy/contributors.ts'
import { type Made, madeHash } from '@consilium/protos/strategy/made.ts'
import { nextModel, type UpdateSum } from '@consilium/protos/strategy/next-model.ts'
import { splitSum } from '@consilium/protos/strategy/split-sum.ts'
import { pooledStatistics } from '@consilium/protos/strategy/standardisation.ts'
import { writePiecesQuickly } from '../durable-file.ts'
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import { fetchParameters } from './global-model.ts'
import { orTell, refusalOf } from './refuse.ts'
import { checkReplay } from './replay.ts'
import { dueSession, isSpent, type Session, sealState } from './session.ts'
import { knownDirectory } from './share-keys.ts'
import type { Site } from './site.ts'
import { standOutOfAll } from './stands-out.ts'

/** Answers a committed sum, the same each time. Rejects while it cannot be fetched, and where the session is lost. */
export async function verifySum(
  message: VerifySum,
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
): Promise<Verified | SumNotVerified> {
  const { planHash, sums, made } = message
  const { plan } = assignment
  const known = site.store.results.find(planHash)
  if (known)
    return verdict(known.sums === sums && known.made === made ? 'verified' : 'sum-not-verified', message, plan, site)
  const session = dueSession(planHash, site)
  const checked = checkedSession(session, assignment, site.name)
  let result: Made
  try {
    const words = await wordsOf(message, plan, site, signal)
    result = await resultOf(words, checked, assignment, site, signal)
    checkReplay(words, message.replay, session, assignment, site.name)
    const computed = madeHash(result)
    if (computed !== made) throw unlike(`it makes ${computed.slice(0, 12)}, the coordinator says ${made.slice(0, 12)}`)
  } catch (error) {
    if (!(error instanceof FederationError && ofTheSum.includes(error.code))) throw error
    const refusal = { planHash, study: plan.study, code: 'sum-not-verified', reason: refusalOf(error).reason } as const
    orTell(site, () => site.store.records.refused(refusal))
    site.emit({ type: 'refused', ...refusal })
    if (error.code === 'too-few-contributors') standOutOfAll(plan.study, refusal.reason, site)
    return verdict('sum-not-verified', message, plan, site)
  }
  site.store.results.accept({ planHash, sums, made, run: plan.run, purpose: checked.purpose, how: 'verified' })
  if (result.purpose === 'statistics')
    for (const column of result.columns) site.store.columns.keepMean({ column, run: plan.run, planHash })
  // What the tags hang on has done its work.
  const { group: _, ...rest } = session.state
  site.store.sessions.reseal(planHash, sealState(rest, planHash, site), { spent: isSpent(rest) })
  site.emit({ type: 'sum-verified', ...inRound(planHash, plan) })
  return verdict('verified', message, plan, site)
}

/** What is wrong with the sum, and not with the way to it. */
const ofTheSum: readonly ErrorCode[] = ['sum-not-verified', 'update-invalid', 'too-few-contributors', 'hash-mismatch']

function verdict<Type extends 'verified' | 'sum-not-verified'>(
  type: Type,
  { planHash, sums, made }: VerifySum,
  { run, purpose }: RoundPlan,
  { identity }: Pick<Site, 'identity'>,
) {
  const signature = signMessage(identity, verdictMessage(type, { run, purpose, planHash, sums, made }))
  return { type, planHash, sums, made, signature }
}

/** What of a session the check hangs on. */
type CheckedSession = {
  readonly purpose: 'train' | 'statistics'
  readonly sid: Uint8Array
  readonly group: Uint8Array
  readonly survivors: number
}

function checkedSession({ state }: Session, assignment: Assignment, name: string): CheckedSession {
  const { purpose } = assignment.plan
  const { directory, survivors, group } = state
  if (purpose === 'evaluate')
    throw new FederationError('message-invalid', 'the sum of an evaluation makes nothing that is verified')
  if (!directory || !survivors || !group)
    throw new FederationError('session-lost', 'this site has confirmed no survivors of this round')
  const { sid } = knownDirectory(directory, assignment, name)
  return { purpose, sid, group, survivors: survivors.length }
}

/** The unmasked vectors, one after the other. */
async function wordsOf(
  { words, sums }: VerifySum,
  { secure, study }: RoundPlan,
  site: Site,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (!words) return site.fetchObject({ sha256: sums, bytesMax: secureUploadBytes(secure!.vectors), study }, signal)
  if (sha256Hex(words) !== sums) throw unlike('what came is not the sum that is named')
  return words
}

/** What the sum makes; throws where it is not the sum of what was masked. */
async function resultOf(
  bytes: Uint8Array,
  { purpose, sid, group, survivors }: CheckedSession,
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
): Promise<Made> {
  const { plan, study } = assignment
  const secure = plan.secure!
  const [header, content] = splitSum(bytes, secure.vectors)
  const quantised = roundQuantisation(plan, study.manifest.study)
  const read = readHeaderSum(header, survivors, quantised)
  const tagger = sumTagger(group, sid)
  addHeader(tagger, header)
  tagger.add(content, 'centred')
  if (!areTagsRight(header, tagger.tags())) throw unlike('its tags are not those of what was masked')
  assertEnoughContribute(read, secure)
  if (purpose === 'train') {
    const global = await fetchParameters(assignment, site, signal)
    const parameters = await storeNextModel(global, content, { survivors, weight: read.weight, quantised }, site)
    return { purpose, parameters }
  }
  const pooled = pooledStatistics(readStatistics(content), plan.columns ?? [], survivors)
  if (!pooled) throw unlike('it holds no row')
  return pooled
}

/** The next model, here before anybody names it: it is not fetched. */
async function storeNextModel(
  global: Float32Array,
  words: Int32Array,
  sum: UpdateSum,
  { store: { objects } }: Pick<Site, 'store'>,
): Promise<Sha256> {
  if (sum.weight === 0) throw unlike('it holds no example')
  const making = nextModel(sum)
  const next = making.next(global, words)
  making.end()
  const bytes = new Uint8Array(next.buffer, next.byteOffset, next.byteLength)
  const sha256 = sha256Hex(bytes)
  // A copy that a power cut damaged is found out by its hash, and fetched.
  await writePiecesQuickly(objects.path(sha256), [bytes])
  return sha256
}

function unlike(why: string): FederationError {
  return new FederationError('sum-not-verified', `the sum of this round is not accepted here: ${why}`)
}
