/** Whom the runs of a study settled on for statistics and for evaluations; it holds for every later run of the study. */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Partners, Run } from './state.ts'

/** `runs` in the order of their start: what an earlier run settled holds. */
export function partnersSoFar(study: Sha256, runs: readonly Pick<Run, 'study' | 'partners'>[]): Partners {
  const ofStudy = runs.filter((run) => run.study === study).map(({ partners }) => partners)
  return Object.assign({}, ...ofStudy.reverse())
}
