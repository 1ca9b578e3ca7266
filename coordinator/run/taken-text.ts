/** Which means a run has from which earlier run, in words. */
import type { TakenColumns } from '../run-outlook.ts'

/** Columns that are named. */
const namedMax = 8

/** `of age, chol taken from run heart-1, of cp from run stroke-2`; empty where there are none. */
export function columnsTakenText(taken: readonly TakenColumns[]): string {
  return taken
    .map(({ run, columns }, i) => `of ${namesOf(columns)} ${i === 0 ? 'taken ' : ''}from run ${run}`)
    .join(', ')
}

function namesOf(columns: readonly string[]): string {
  const more = columns.length - namedMax
  return more > 0 ? `${columns.slice(0, namedMax).join(', ')} and ${more} more` : columns.join(', ')
}
