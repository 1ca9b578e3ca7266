/**
 * Whether a site's contribution can be true at all: counts are whole numbers that fit each other, an update is no longer
 * than the study allows. What passes may still be wrong; what does not is refused with its reason.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Contribution } from '@consilium/protos/plan/contribution.ts'

/** A norm may exceed the limit by what float32 rounding of the clipped update can do. */
const normTolerance = 1e-3

/** Beyond this a sum or loss is no measurement, and adding several could overflow. */
const magnitudeMax = 1e100
/** Relative error that summing in float64 may leave. */
const sumTolerance = 1e-6

type EvaluationHeader = Extract<Contribution['header'], { purpose: 'evaluate' }>

/** Throws `update-invalid`. */
export function checkContribution({ header, vector }: Contribution, updateNormMax: number): void {
  if (header.purpose === 'statistics') checkStatistics(header.examples, vector)
  else if (header.purpose === 'train') checkUpdate(header.examples, header.loss, vector, updateNormMax)
  else checkEvaluation(header, vector)
}

function checkUpdate(examples: number, loss: number, update: ArrayLike<number>, updateNormMax: number): void {
  checkMagnitude('loss', loss)
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
    const [sum, squares] = [sums[columns + column]!, sums[2 * columns + column]!]
    checkMagnitude(`sum of column ${column}`, sum)
    checkMagnitude(`sum of squares of column ${column}`, squares)
    // Cauchy and Schwarz: holds for any numbers, and for no negative sum of squares.
    if (!(sum ** 2 <= count * squares * (1 + sumTolerance)))
      throw new FederationError('update-invalid', `the sums of column ${column} do not fit each other`)
  }
}

function checkEvaluation(header: EvaluationHeader, histogram: ArrayLike<number>): void {
  const { examples, correct, lossSum } = header
  checkMagnitude('loss', lossSum)
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

function checkMagnitude(what: string, value: number): void {
  if (!(Math.abs(value) <= magnitudeMax))
    throw new FederationError('update-invalid', `the ${what} is too large to be one`)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
