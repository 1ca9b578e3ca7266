/**
 * Moments as wide fixed-point numbers: each value takes four words of 23 bits and their head room, so sums over features of
 * any unit lose nothing that float64 would keep between 2^-36 and 2^54, without knowing their range beforehand.
 */
import { FederationError } from '../errors.ts'

export const statisticsName = 'statistics'
/** Words that one value takes. */
export const wordsPerValue = 4
/** Values at or beyond are refused. */
export const statisticMax = 2 ** 54

/** How much a value may be off after it was made words, whatever its size. */
export const statisticRoundingMax = 2 ** -37

/** Int32Array [4 x values], least significant digit first; the digits of up to 255 sites add up without overflow. */
export function encodeStatistics(values: Float64Array): Int32Array {
  const words = new Int32Array(values.length * wordsPerValue)
  values.forEach((value, i) => {
    if (!(Math.abs(value) < statisticMax))
      throw new FederationError('limit-exceeded', `statistic ${i} is not a number below 2^54`)
    let rest = BigInt(Math.round(value * unit))
    for (let digit = 0; digit < wordsPerValue; digit++) {
      const word = digit === wordsPerValue - 1 ? rest : BigInt.asIntN(digitBits, rest)
      words[i * wordsPerValue + digit] = Number(word)
      rest = (rest - word) >> BigInt(digitBits)
    }
  })
  return words
}

/** The unmasked sum as values, each rounded to float64 once. */
export function readStatistics(words: Int32Array): Float64Array {
  if (words.length % wordsPerValue !== 0)
    throw new FederationError('update-invalid', `${words.length} words are no whole number of statistics`)
  return Float64Array.from({ length: words.length / wordsPerValue }, (_, i) => {
    let value = 0n
    for (let digit = wordsPerValue - 1; digit >= 0; digit--)
      value = (value << BigInt(digitBits)) + BigInt(words[i * wordsPerValue + digit]!)
    return Number(value) / unit
  })
}

const digitBits = 23
/** Levels of 1. */
const unit = 2 ** 36
