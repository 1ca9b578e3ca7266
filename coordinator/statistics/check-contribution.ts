/**
 * Whether a site's contribution can be true at all: counts are whole numbers that fit each other, an update is no longer
 * than the study allows. What passes may still be wrong; what does not is refused with its reason.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Contribution } from '@consilium/protos/plan/contribution.ts'

/** A norm may exceed the limit by what float32 rounding of the clipped update can do. */
const normTolerance = 1e-3

/** Throws `update-invalid`. */
export function checkContribution({ header, vector }: Contribution, updateNormMax: number): void {
  if (header.purpose === 'statistics') checkStatistics(header.examples, vector)
  else if (header.purpose === 'train') checkUpdate(header.examples, vector, updateNormMax)
  else checkEvaluation(header.examples, header.correct, vector)
}

function checkUpdate(examples: number, update: ArrayLike<number>, updateNormMax: number): void {
  if (examples < 1) throw new FederationError('update-invalid', 'an update from no examples')
  let squares = 0
  for (let i = 0; i < update.length; i++) squares += update[i]! ** 2
  const norm = Math.sqrt(squares)
  if (!(norm <= updateNormMax * (1 + normTolerance)))
    throw new FederationError(
      'update-invalid',
      `the norm of the update is ${norm.toPrecision(6)}, the study's updateNormMax is ${updateNormMax}`,
    )
}

function checkStatistics(examples: number, sums: ArrayLike<number>): void {
  const columns = sums.length / 3
  for (let column = 0; column < columns; column++) {
    const count = sums[column]!
    if (!isCount(count) || count > examples)
      throw new FederationError('update-invalid', `column ${column} has an impossible count of rows`)
    if (sums[2 * columns + column]! < 0)
      throw new FederationError('update-invalid', `column ${column} has a negative sum of squares`)
  }
}

function checkEvaluation(examples: number, correct: number, histogram: ArrayLike<number>): void {
  if (correct > examples) throw new FederationError('update-invalid', 'more rows are correct than there are')
  let rows = 0
  for (let bin = 0; bin < histogram.length; bin++) {
    if (!isCount(histogram[bin]!))
      throw new FederationError('update-invalid', `bin ${bin} of the score histogram is not a count`)
    rows += histogram[bin]!
  }
  if (histogram.length > 0 && rows !== examples)
    throw new FederationError(
      'update-invalid',
      `the score histogram holds ${rows} rows, the site evaluated ${examples}`,
    )
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
