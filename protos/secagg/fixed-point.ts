/**
 * Updates as 32-bit fixed-point numbers whose sum over a cohort cannot overflow (fedsum, section A.5): clip, weigh, round;
 * and back from the sum to the weighted mean. Rounding is stochastic, from a stream that depends only on the site's secret
 * and the round, so that a replayed round has the same bits; under differential privacy it truncates towards zero.
 */
import { hkdfSync } from 'node:crypto'
import { FederationError } from '../errors.ts'
import { cohortMax } from '../limits.ts'
import { vectorNamePattern } from './keys.ts'
import { freeWords, keystream, streamChunkBytes } from './mask-stream.ts'
import { assertWeightsFit } from './weights.ts'

export type QuantisationPlan = {
  /** n: the most sites whose updates are added. */
  readonly cohort: number
  /** C: an update with a larger L2 norm is scaled down to it. */
  readonly updateNormMax: number
  /** B: coordinates beyond are cut off; C divided by a whole number, C itself by default. */
  readonly coordinateMax?: number
  /** Wmax. */
  readonly weightMax: number
  readonly rounding: 'stochastic' | 'truncate'
  /** Noise of z * C / sqrt(sites) that every site adds: head room of 12 deviations is left for it. */
  readonly noise?: { readonly multiplier: number; readonly sites: number }
}

export type Quantisation = QuantisationPlan & {
  readonly coordinateMax: number
  /** S: levels of one unit, at weight `weightMax`. */
  readonly scale: number
  /** S * B, a whole number: no coordinate of one site exceeds it. */
  readonly levels: number
  /** S * C, a whole number: the L2 norm of a truncated update does not exceed it. */
  readonly normLevels: number
}

/** S = (2^31 - 1) / (n B + 12 z C sqrt(n / m)), lowered until S B and S C are whole numbers. */
export function quantisation(plan: QuantisationPlan): Quantisation {
  const { cohort, updateNormMax, weightMax, noise } = plan
  const coordinateMax = plan.coordinateMax ?? updateNormMax
  const multiple = updateNormMax / coordinateMax
  if (!(updateNormMax > 0 && Number.isFinite(updateNormMax)) || !Number.isInteger(multiple) || multiple < 1)
    throw new FederationError('invalid-argument', 'the largest coordinate is the largest norm over a whole number')
  if (!Number.isInteger(cohort) || cohort < 1 || cohort > cohortMax)
    throw new FederationError('invalid-argument', `a cohort has 1 to ${cohortMax} sites, not ${cohort}`)
  assertWeightsFit(cohort, weightMax)
  const headRoom = noise ? 12 * noise.multiplier * updateNormMax * Math.sqrt(cohort / noise.sites) : 0
  const levels = Math.floor(((2 ** 31 - 1) / (cohort * coordinateMax + headRoom)) * coordinateMax)
  // Written so that NaN is refused too.
  if (!(levels >= 1 && cohort * levels < 2 ** 31))
    throw new FederationError('limit-exceeded', 'this noise leaves no room for the updates in 32 bits')
  return { ...plan, coordinateMax, scale: levels / coordinateMax, levels, normLevels: levels * multiple }
}

export type PreparedUpdate = {
  readonly update: Float32Array
  /** s = min(1, C / norm). */
  readonly clipScale: number
  readonly clipped: boolean
  readonly clampedCoordinates: number
  /** omega = weight / Wmax. */
  readonly share: number
  readonly quantisation: Quantisation
  readonly roundingKey: Uint8Array | undefined
}

/**
 * Measures an update before it is quantised chunk by chunk. `roundingKey` comes from {@link roundingKey}; without it only
 * truncation works. Throws `update-invalid` where a value is not finite.
 */
export function prepareUpdate(
  update: Float32Array,
  weight: number,
  quantised: Quantisation,
  roundingKey?: Uint8Array,
): PreparedUpdate {
  const { updateNormMax, coordinateMax, weightMax, rounding } = quantised
  if (!Number.isInteger(weight) || weight < 0 || weight > weightMax)
    throw new FederationError('invalid-argument', `a weight is a whole number up to ${weightMax}`)
  if (rounding === 'stochastic' && roundingKey?.length !== 32)
    throw new FederationError('invalid-argument', 'stochastic rounding draws from a stream with a key of 32 bytes')
  const norm = l2Norm(update)
  if (!Number.isFinite(norm)) throw new FederationError('update-invalid', 'the update holds a value that is not finite')
  const clipped = norm > updateNormMax
  const clipScale = clipped ? updateNormMax / norm : 1
  const prepared = {
    update,
    clipScale,
    clipped,
    // Without a bound of their own coordinates only exceed the norm by the last bit.
    clampedCoordinates: coordinateMax < updateNormMax ? countBeyond(update, coordinateMax / clipScale) : 0,
    share: weight / weightMax,
    quantisation: quantised,
    roundingKey: rounding === 'stochastic' ? roundingKey : undefined,
  }
  return rounding === 'truncate' ? withinNorm(prepared) : prepared
}

/** The words `from` to `from + target.length` of the quantised update; the same for any cutting into chunks. */
export function quantise(target: Int32Array, prepared: PreparedUpdate, from: number): void {
  const { update, clipScale, share, roundingKey } = prepared
  const { coordinateMax, scale, levels } = prepared.quantisation
  const source = update.subarray(from, from + target.length)
  if (source.length !== target.length)
    throw new FederationError('invalid-argument', `the update has ${update.length} coordinates, not ${from} and more`)
  const draw = roundingKey && keystream(roundingKey, 4 * from)
  for (let at = 0; at < target.length; at += chunkWords) {
    const [words, values] = [target.subarray(at, at + chunkWords), source.subarray(at, at + chunkWords)]
    if (draw) {
      const draws = draw(words.length)
      roundChunk(words, values, draws, clipScale, coordinateMax, share, scale, levels)
      freeWords(draws)
    } else truncateChunk(words, values, clipScale, coordinateMax, share, scale)
  }
}

/** mean = sum / S * Wmax / sum of weights, float64; `words` is the unmasked sum, read as two's complement. */
export function dequantise(
  target: Float64Array,
  words: Int32Array,
  { scale, weightMax }: Pick<Quantisation, 'scale' | 'weightMax'>,
  weightSum: number,
): void {
  if (target.length !== words.length)
    throw new FederationError('invalid-argument', 'the mean and the sum have one length')
  if (!(weightSum > 0)) throw new FederationError('data-empty', 'no survivor has an example: there is no mean')
  for (let i = 0; i < words.length; i++) target[i] = ((words[i]! / scale) * weightMax) / weightSum
}

/**
 * Key of the stream that rounds one vector of one round: HKDF-SHA256(site secret, study hash, vector, round, purpose). It
 * hangs on no plan, so that the same study at the same sites with the same survivors gives the same model bit for bit.
 */
export function roundingKey(
  siteSecret: Uint8Array,
  studyHash: Uint8Array,
  round: { readonly vector: string; readonly round: number; readonly purpose: string },
): Uint8Array {
  if (siteSecret.length !== 32 || studyHash.length !== 32 || !vectorNamePattern.test(round.vector))
    throw new FederationError('invalid-argument', 'a rounding key comes from two times 32 bytes and a vector')
  const number = Buffer.alloc(4)
  number.writeUInt32BE(round.round)
  const info = Buffer.concat([Buffer.from(`fedsum/v1/rounding/${round.vector}\0`), number, Buffer.from(round.purpose)])
  return new Uint8Array(hkdfSync('sha256', siteSecret, studyHash, info, 32))
}

const chunkWords = streamChunkBytes / 4

/** Float error can leave the truncated norm above S C: then the scale is lowered by 2^-20 until it is not. */
function withinNorm(prepared: PreparedUpdate): PreparedUpdate {
  const limit = BigInt(prepared.quantisation.normLevels) ** 2n
  let fitting = prepared
  while (sumOfSquares(fitting) > limit)
    fitting = { ...fitting, clipScale: fitting.clipScale * (1 - 2 ** -20), clipped: true }
  return fitting
}

/** Exact, by halves of words: a chunk's partial sums stay below 2^53. */
function sumOfSquares(prepared: PreparedUpdate): bigint {
  const words = new Int32Array(Math.min(chunkWords, prepared.update.length))
  let sum = 0n
  for (let from = 0; from < prepared.update.length; from += chunkWords) {
    const chunk = words.subarray(0, Math.min(chunkWords, prepared.update.length - from))
    quantise(chunk, prepared, from)
    sum += chunkSumOfSquares(chunk)
  }
  return sum
}

function chunkSumOfSquares(words: Int32Array): bigint {
  let [high, middle, low] = [0, 0, 0]
  for (let i = 0; i < words.length; i++) {
    const [upper, lower] = [words[i]! >> 16, words[i]! & 0xffff]
    high += upper * upper
    middle += upper * lower
    low += lower * lower
  }
  return (BigInt(high) << 32n) + (BigInt(middle) << 17n) + BigInt(low)
}

/** Squares of float32 are exact in float64; their sum carries its rounding errors along (Knuth's two-sum). */
function l2Norm(values: Float32Array): number {
  const total = Float64Array.of(0, 0)
  for (let from = 0; from < values.length; from += chunkWords)
    addSquares(total, values.subarray(from, from + chunkWords))
  return Math.sqrt(total[0]! + total[1]!)
}

function addSquares(total: Float64Array, values: Float32Array): void {
  let [sum, error] = [total[0]!, total[1]!]
  for (let i = 0; i < values.length; i++) {
    const square = values[i]! * values[i]!
    const next = sum + square
    const added = next - sum
    error += sum - (next - added) + (square - added)
    sum = next
  }
  total[0] = sum
  total[1] = error
}

function countBeyond(values: Float32Array, bound: number): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]!) > bound) count++
  return count
}

function truncateChunk(
  words: Int32Array,
  values: Float32Array,
  clipScale: number,
  bound: number,
  share: number,
  scale: number,
): void {
  for (let i = 0; i < words.length; i++) {
    words[i] = Math.max(-bound, Math.min(bound, values[i]! * clipScale)) * share * scale
  }
}

/** floor(y + u) with u uniform on [0, 1): the mean of the rounded value is y. */
function roundChunk(
  words: Int32Array,
  values: Float32Array,
  draws: Int32Array,
  clipScale: number,
  bound: number,
  share: number,
  scale: number,
  levels: number,
): void {
  for (let i = 0; i < words.length; i++) {
    const exact = Math.max(-bound, Math.min(bound, values[i]! * clipScale)) * share * scale
    const rounded = Math.floor(exact + (draws[i]! * 2 ** -32 + 0.5))
    // At the very bound the sum of the two can round up to one level beyond it.
    words[i] = Math.max(-levels, Math.min(levels, rounded))
  }
}
