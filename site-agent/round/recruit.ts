/**
 * Recruit, at the site: everything a signed round plan must satisfy before a single row is read for it. The function
 * reads as the checklist; each check throws its own code and the round goes on without this site.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { attemptOf } from '@consilium/protos/plan/attempts.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import {
  planHash as hashOfPlan,
  type RoundPlan,
  readRoundPlan,
  type SignedRoundPlan,
} from '@consilium/protos/plan/round-plan.ts'
import { leadFingerprint, type ReadStudy, type SignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { designColumns, isEvaluatedAfter } from '@consilium/protos/plan/study.ts'
import { checkPolicy, checkTestRows } from '../judge.ts'
import { checkNotRestored, checkStandsIn } from './after-restore.ts'
import type { Assignment } from './assignment.ts'
import { attemptWithWords, checkAttempt } from './attempts.ts'
import { checkCoordinatorLog } from './coordinator-log.ts'
import { checkSecureRound } from './secure-plan.ts'
import type { Site } from './site.ts'
import { checkStandsOut } from './stands-out.ts'
import { checkPresentRows } from './test-rows.ts'

/** Throws a FederationError for the first check the plan fails. Reads the store, writes nothing. */
export function recruit(
  signed: SignedRoundPlan,
  site: Pick<Site, 'name' | 'identity' | 'coordinatorPublicKey' | 'store' | 'readPolicy'>,
): Assignment {
  const plan = readRoundPlan(signed, site.coordinatorPublicKey)
  checkNotRestored(site)
  checkCoordinatorLog(site)
  const study = checkApproved(plan, site)
  checkCohort(plan, study, site)
  checkRoundOfStudy(plan, study)
  checkStandardisation(plan, study)
  checkStartingModel(plan, study)
  checkStandsIn(plan, site)
  checkSecureRound(plan, study.manifest, site)
  checkWithinPolicy(plan, study, site)
  checkStandsOut(plan, study.manifest.study.name, site)
  // The rows that count are those of the attempt before, where it has one.
  if (!attemptWithWords(plan, site.store)) checkPresentRows(plan, site)
  checkFresh(plan, site)
  return { planHash: hashOfPlan(plan), plan, study: { hash: plan.study, manifest: study.manifest } }
}

/** What this site took up for a plan, read again after a restart; throws `session-lost` where it is not known any more. */
export function assignmentOf(planHash: Sha256, { store }: Store): Assignment {
  const plan = store.journal.planOf(planHash)
  const known = plan && store.studies.find(plan.study)
  if (!known) throw new FederationError('session-lost', 'this site has taken up no such plan')
  return { planHash, plan, study: { hash: plan.study, manifest: store.studies.read(known).manifest } }
}

/** Consent withdrawn while the site worked: what it made does not leave. */
export function checkStillApproved(planHash: Sha256, { store }: Store): void {
  const work = store.journal.find(planHash)
  if (work && store.studies.decisionOn(work.study)?.decision !== 'approved')
    throw new FederationError('study-unapproved', 'the approval of the study was withdrawn at this site')
}

type Store = Pick<Site, 'store'>

/** The study is known here, unaltered, approved, and signed by the lead it was approved for. */
function checkApproved(plan: RoundPlan, { store }: Store): ReadStudy {
  const known = store.studies.find(plan.study)
  if (!known)
    throw new FederationError(
      'study-unapproved',
      `this site was never offered study ${short(plan.study)}, so nobody here can have approved it`,
    )
  const signed = store.studies.read(known)
  if (signed.hash !== plan.study)
    throw new FederationError(
      'study-altered',
      `study ${known.name} as stored here no longer has hash ${short(plan.study)}`,
    )
  const decision = store.studies.decisionOn(plan.study)
  if (decision?.decision !== 'approved') throw unapproved(plan, known.name, { store })
  if (leadFingerprint(signed) !== decision.lead)
    throw new FederationError(
      'lead-unknown',
      `study ${known.name} was approved here as signed by ${decision.lead}, now ${leadFingerprint(signed)} signs it: approve it again if that is right`,
    )
  return signed
}

/** The policy may be stricter than it was at the approval, and the test rows too few. */
function checkWithinPolicy(
  { run, purpose }: RoundPlan,
  study: ReadStudy,
  { store, readPolicy }: Pick<Site, 'store' | 'readPolicy'>,
): void {
  const judging = { store, policy: readPolicy() }
  checkPolicy(study, run, judging)
  if (purpose === 'evaluate') checkTestRows(study, judging)
}

/** A study edited after its approval has the same name and another hash; saying so saves its author a search. */
function unapproved(plan: RoundPlan, name: string, { store }: Store): FederationError {
  const decision = store.studies.decisionOn(plan.study)
  if (decision)
    return new FederationError('study-unapproved', `study ${name} (${short(plan.study)}) was rejected at this site`)
  const approvedBefore = store.studies
    .list()
    .find((other) => other.name === name && store.studies.decisionOn(other.hash)?.decision === 'approved')
  if (approvedBefore)
    return new FederationError(
      'study-altered',
      `study ${name} was changed after this site approved it (${short(approvedBefore.hash)} became ${short(plan.study)}): it needs approval again`,
    )
  return new FederationError('study-unapproved', `study ${name} (${short(plan.study)}) awaits approval at this site`)
}

function checkCohort(plan: RoundPlan, { manifest }: SignedStudy, { name }: Pick<Site, 'name'>): void {
  if (!plan.cohort.includes(name))
    throw new FederationError('not-in-cohort', `the cohort of round ${plan.round} does not hold ${name}`)
  const size = new Set(plan.cohort).size
  if (size < manifest.study.cohort.min)
    throw new FederationError(
      'cohort-too-small',
      `the study asks for a cohort of at least ${manifest.study.cohort.min} sites, round ${plan.round} has ${size}`,
    )
  const { require = [] } = manifest.study.cohort
  const missing = require === 'all' ? [] : require.filter((site) => !plan.cohort.includes(site))
  if (missing.length > 0)
    throw new FederationError(
      'cohort-too-small',
      `the study requires ${missing.join(', ')} in every round, round ${plan.round} goes without`,
    )
}

/** Only exchanges that the approved study names: no more rounds, and statistics only where it standardises by them. */
function checkRoundOfStudy(plan: RoundPlan, { manifest: { study } }: SignedStudy): void {
  const { purpose, round } = plan
  const expected =
    purpose === 'statistics'
      ? round === 0 && study.standardisation === 'federated'
      : round >= 1 && round <= study.rounds && (purpose === 'train' || isEvaluatedAfter(round, study))
  if (!expected)
    throw new FederationError(
      'message-invalid',
      `a ${purpose} round ${round} is not part of the approved study (${study.rounds} rounds, standardisation ${study.standardisation})`,
    )
}

function checkStandardisation(plan: RoundPlan, { manifest: { study } }: SignedStudy): void {
  const due = study.standardisation === 'federated' && plan.purpose !== 'statistics'
  const given = plan.standardisation
  if (due !== (given !== undefined))
    throw new FederationError(
      'message-invalid',
      `the plan ${given ? 'carries' : 'lacks'} means and standard deviations in a ${plan.purpose} round of a study that standardises ${study.standardisation}`,
    )
  const columns = designColumns(study.features).length
  if (given && (given.means.length !== columns || given.standardDeviations.length !== columns))
    throw new FederationError(
      'shape-mismatch',
      `the study has ${columns} design columns, the plan standardises ${given.means.length} means and ${given.standardDeviations.length} standard deviations`,
    )
}

/**
 * The first training of a run starts from the initial parameters that the study, hence the approval, names; an evaluation is
 * of a model that a round made, never of what the study's author chose.
 */
function checkStartingModel(plan: RoundPlan, { manifest }: SignedStudy): void {
  if (plan.purpose === 'evaluate' && plan.modelEntry === undefined)
    throw new FederationError(
      'model-not-in-log',
      `the evaluation after round ${plan.round} is of a model that no entry of the log made: a study's initial parameters are not evaluated`,
    )
  if (plan.purpose === 'train' && plan.round === 1 && plan.model !== manifest.initialParameters.sha256)
    throw new FederationError(
      'hash-mismatch',
      `round 1 starts from ${short(plan.model)}, the study names ${short(manifest.initialParameters.sha256)} as initial parameters`,
    )
}

/**
 * S7: one plan for one purpose of one round of a run, but for attempts, and never backwards. The very plan that is open may
 * come again.
 */
export function checkFresh(plan: RoundPlan, { store: { journal, sessions } }: Store): void {
  const stale = (why: string) =>
    new FederationError('stale-round', `${plan.purpose} round ${plan.round} of run ${plan.run}: ${why}`)
  if (journal.isRunOver(plan.run)) throw stale('the run is over')
  const worked = journal.findRound(plan.run, plan.round, plan.purpose)
  const isSame = worked?.planHash === hashOfPlan(plan)
  const isFurther = worked && attemptOf(plan) > attemptOf(journal.planOf(worked.planHash) ?? {})
  if (!isSame) checkAttempt(plan, isFurther ? worked : undefined, { journal, sessions })
  if (worked && !isSame && !isFurther && sessions.find(worked.planHash)?.u2Hash)
    throw new FederationError(
      'already-uploaded',
      `this site has masked an update to ${plan.purpose} round ${plan.round} of run ${plan.run} already, under another plan`,
    )
  if (worked && !isSame && !isFurther) throw stale('this site already works on another plan for it')
  if (isSame && worked?.state === 'over' && worked.outcome !== 'refused') throw stale('it is over')
  const newest = journal.newestOf(plan.run)
  if (newest && positionInRun(newest) > positionInRun(plan))
    throw stale(`this site is already at ${newest.purpose} round ${newest.round}`)
}

/** Position of a plan in its run: statistics, then training and evaluation of each round in turn. */
function positionInRun({ round, purpose }: Pick<RoundPlan, 'round' | 'purpose'>): number {
  return 2 * round + (purpose === 'evaluate' ? 1 : 0)
}

function short(hash: string): string {
  return hash.slice(0, 12)
}
