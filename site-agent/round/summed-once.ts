/** A column that was summed is summed for nobody again, whatever study and run asks for it (fedsum, section E.4). */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { isSameSet } from '@consilium/protos/plan/partner-change.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Columns } from '../store/columns.ts'

export type Asked = { readonly planHash: Sha256; readonly plan: Pick<RoundPlan, 'columns' | 'cohort'> }
export type ColumnStore = { readonly columns: Columns }

/** Throws `column-summed` for a column that was summed, or is being summed among other sites. */
export function checkColumns({ planHash, plan: { columns = [], cohort } }: Asked, store: ColumnStore): void {
  for (const { name } of columns) {
    const mean = store.columns.mean(name)
    if (mean && mean.planHash !== planHash) throw summedBefore(name, `run ${mean.run} gave its mean`)
    const sum = store.columns.summed(name)
    if (sum && !isSameSet(sum.sites, cohort))
      throw summedBefore(
        name,
        `this site masked its sum for ${sum.sites.join(', ')}, this plan is for ${cohort.join(', ')}`,
      )
  }
}

export function summedBefore(name: string, why: string): FederationError {
  return new FederationError(
    'column-summed',
    `the column ${name} is summed once, in all studies: ${why}. A second sum would tell of the sites and rows that differ`,
  )
}
