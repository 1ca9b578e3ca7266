/** The sum of a run's evaluation as a coordinator opens it: what of it stands in no result, the lead has from the coordinator. */
import type { RunId } from '@consilium/protos/plan/names.ts'
import { readEvaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import { histogramsName, readCounts } from '@consilium/protos/secagg/histograms.ts'
import type { HostileFederation } from './federation.ts'
import { solve } from './solver.ts'

/** Test rows of all sites of a round, and how many of them are cases. */
export type Tested = { readonly rows: number; readonly cases: number }

/** Of the last evaluation of the run, of a binary label. */
export function openedEvaluation({ recorded }: HostileFederation, run: RunId): Tested {
  const { candidates } = solve(recorded)
  const sum = candidates.findLast(
    ({ plan, sites }) => plan.run === run && plan.purpose === 'evaluate' && sites.length === plan.cohort.length,
  )
  if (!sum) throw new Error(`no evaluation of run ${run} opens`)
  const counts = readCounts(sum.vectors.get(histogramsName)!)
  const { examples, histogram } = readEvaluationCounts(counts, sum.sites.length)
  const positive = histogram.subarray(histogram.length / 2)
  return { rows: examples, cases: positive.reduce((all, count) => all + count, 0) }
}

/** What the first has more than the second. */
export function testedMore(one: Tested, other: Tested): Tested {
  return { rows: one.rows - other.rows, cases: one.cases - other.cases }
}
