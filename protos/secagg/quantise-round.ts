/**
 * The fixed-point numbers of one secure round, from its plan and its study alone: sites quantise by them and the
 * coordinator reads the sum by them, so both must get the very same ones.
 */
import { FederationError } from '../errors.ts'
import type { SiteName } from '../plan/names.ts'
import type { Study } from '../plan/study.ts'
import { type Quantisation, quantisation } from './fixed-point.ts'

/** Throws `invalid-argument` for a study that adds its updates without masks. */
export function roundQuantisation(
  plan: { readonly cohort: readonly SiteName[] },
  { updateNormMax, aggregation }: Pick<Study, 'updateNormMax' | 'aggregation'>,
): Quantisation {
  if (aggregation.mode !== 'secure')
    throw new FederationError(
      'invalid-argument',
      'only masked updates are fixed-point numbers: this study seals its own',
    )
  const { weightMax } = aggregation
  return quantisation({ cohort: plan.cohort.length, updateNormMax, weightMax, rounding: 'stochastic' })
}
