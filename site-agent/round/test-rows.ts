/**
 * Test rows that changed (fedsum, section E.2): two evaluations of this site whose rows differ by a few tell of those few, their
 * labels exactly, whatever the models. So it takes part in no evaluation of a study on other rows than those of an earlier
 * one, unless at least `testRowsMin` of them differ: told as `data-not-ready`, never by zeros, and training goes on.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { changedRows } from '../data/row-marks.ts'
import type { Marks } from '../store/test-rows.ts'
import type { Assignment } from './assignment.ts'
import type { Site } from './site.ts'

type RowSite = Pick<Site, 'store' | 'readPolicy'>

/** Different sets of rows of a study that are kept to compare with. */
const setsMax = 64

/** Before any work, by the rows as they were last read; throws `data-changed`. */
export function checkPresentRows(plan: RoundPlan, site: RowSite): void {
  const present = site.store.testRows.present(plan.study)
  if (isCompared(plan) && present) checkHidden(plan, present, site)
}

/** Why these rows keep this site out of the evaluations of a study under masks; undefined where they do not. */
export function presentRowsLack(study: Sha256, site: RowSite): FederationError | undefined {
  const present = site.store.testRows.present(study)
  return present && lackOf(study, present, site)
}

/** In a further attempt: the rows are those of the attempt before, whose counts leave once more. */
export function repeatTestRows(before: Sha256, { planHash, plan }: Assignment, { store }: Pick<Site, 'store'>): void {
  const rows = store.testRows.ofWork(before)
  if (rows) store.testRows.worked(planHash, plan.study, rows.marks)
}

/** The rows that a trainer has, before it evaluates on them; throws `data-changed`. */
export function takeTestRows({ planHash, plan }: Assignment, marks: Uint8Array, site: RowSite): void {
  if (!isCompared(plan)) return
  site.store.testRows.worked(planHash, plan.study, marks)
  checkHidden(plan, site.store.testRows.ofWork(planHash)!, site)
}

/** Before this site masks: others may have been masked since the work was done. Throws `data-changed`. */
export function settleTestRows({ planHash, plan }: Assignment, site: RowSite): void {
  const worked = site.store.testRows.ofWork(planHash)
  if (!isCompared(plan) || !worked) return
  checkHidden(plan, worked, site)
  site.store.testRows.masked(planHash)
}

/** Only sums hide anything: in sealed mode the coordinator has each evaluation as it is. */
function isCompared({ purpose, secure }: RoundPlan): boolean {
  return purpose === 'evaluate' && secure !== undefined
}

function checkHidden({ study }: RoundPlan, marks: Marks, site: RowSite): void {
  const lack = lackOf(study, marks, site)
  if (lack) throw lack
}

function lackOf(study: Sha256, { digest, marks }: Marks, { store, readPolicy }: RowSite): FederationError | undefined {
  const sets = store.testRows.evaluated(study)
  // What was evaluated once was compared with all others then.
  if (sets.some((set) => set.digest === digest)) return undefined
  const { testRowsMin } = readPolicy().rows
  const fewest = Math.min(Number.POSITIVE_INFINITY, ...sets.map((set) => changedRows(set.marks, marks)))
  if (fewest < testRowsMin)
    return changed(
      `${fewest} test rows changed since an evaluation that this site was in, under rows.testRowsMin (${testRowsMin}): the difference would tell of these patients. It is in evaluations again once the rows are as they were, or ${testRowsMin} differ; to take part all the same, lower rows.testRowsMin in policy.yaml`,
    )
  if (sets.length < setsMax) return undefined
  return changed(`it was evaluated here on ${setsMax} different sets of rows already`)
}

function changed(why: string): FederationError {
  return new FederationError('data-changed', `this site stands out of the evaluations of the study, and trains: ${why}`)
}
