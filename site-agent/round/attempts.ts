/**
 * Further attempts of a round among partners, at the site (fedsum, section E.4): which plans it takes as the one before once
 * more, and what it masks for them: the very words that it computed for the first, which stay sealed in the outbox until the
 * run has gone on. Each honest site reveals shares for one attempt of a round at most, and no sum is opened without t of them:
 * as 2t > n + c, no two attempts are ever opened.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { attemptOf, repeats } from '@consilium/protos/plan/attempts.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import type { JournaledWork } from '../store/journal.ts'
import type { Assignment } from './assignment.ts'
import { repeatShares } from './columns.ts'
import type { Site } from './site.ts'
import { repeatTestRows } from './test-rows.ts'
import { copyWords } from './words-file.ts'

type Store = Pick<Site['store'], 'journal' | 'sessions'>

/** S7, of a plan that says it is a further attempt: throws `attempt-refused` where this site helps to no such one. */
export function checkAttempt(plan: RoundPlan, worked: JournaledWork | undefined, { journal, sessions }: Store): void {
  const { run, round, purpose, secure, attempt } = plan
  if (!attempt) return
  const refuse = (why: string) =>
    new FederationError('attempt-refused', `${purpose} round ${round} of run ${run}, attempt ${attempt.number}: ${why}`)
  if (purpose === 'train' || !secure)
    throw refuse('only what is among partners under masks is attempted again: training goes on without who is lost')
  if (!worked) return
  const before = journal.planOf(worked.planHash)
  if (!before || !repeats(plan, before))
    throw refuse('it is not the attempt before once more: the same sites, model and vectors')
  if (attempt.number === attemptOf(before) + 1 && attempt.after !== worked.planHash)
    throw refuse(`it follows another plan than attempt ${attemptOf(before)} at this site`)
  if (worked.outcome === 'committed') throw refuse('the sum of an attempt before it was made')
  if (sessions.ofRound(run, round, purpose).some(({ state }) => state === 'released'))
    throw refuse('this site has revealed its shares for an attempt before it: the sum of that one is opened, or none')
}

/**
 * The words of an attempt before this one, sealed for this plan now: what the site's records were at the first attempt.
 * Returns the bytes of the upload; undefined where this site has computed none. Throws `session-lost` where it masked such
 * words and they are gone.
 */
export async function wordsOfAttemptBefore(
  assignment: Assignment,
  { store, identity }: Pick<Site, 'store' | 'identity'>,
): Promise<number | undefined> {
  const { planHash, plan } = assignment
  const { run, round, purpose, secure, attempt } = plan
  if (!attempt || !secure) return undefined
  const { outbox, sessions } = store
  const { vectors } = secure
  const before = attemptWithWords(plan, store)
  if (before) {
    repeatShares(before, assignment, store)
    repeatTestRows(before, assignment, { store })
    const from = { path: outbox.wordsPath(before), planHash: before, identity, vectors }
    await copyWords(from, { ...from, path: outbox.wordsPath(planHash), planHash })
    outbox.removeWords(before)
    return secureUploadBytes(vectors)
  }
  if (sessions.ofRound(run, round, purpose).some(({ u2Hash }) => u2Hash !== ''))
    throw new FederationError(
      'session-lost',
      'what this site masked in an attempt before is gone from the outbox, and nothing else takes its place',
    )
  return undefined
}

/** The newest attempt before this one whose words are in the outbox. */
export function attemptWithWords(
  { run, round, purpose, attempt }: RoundPlan,
  { journal, outbox }: Pick<Site['store'], 'journal' | 'outbox'>,
): Sha256 | undefined {
  const isBefore = ({ planHash }: JournaledWork) => attemptOf(journal.planOf(planHash) ?? {}) < (attempt?.number ?? 1)
  return journal.attempts(run, round, purpose).find((work) => isBefore(work) && outbox.hasWords(work.planHash))
    ?.planHash
}
