/**
 * Shamir's secret sharing, byte by byte over GF(2^8) with polynomial 0x11B (Shamir 1979; fedsum, section A.7). Values are
 * only ever multiplied by public numbers (a site's index, a Lagrange coefficient), four bytes to a 32-bit word, without
 * tables and without branches on secrets, so timing tells nothing about them. A share alone carries no proof that it is
 * right: the commitments of `sealed-share.ts` and the check after rebuilding do.
 */
import { randomBytes } from 'node:crypto'
import { FederationError } from '../errors.ts'

export type Share = {
  /** The site's index, 1 to 255: the point at which the polynomials were evaluated. */
  readonly index: number
  /** As long as the secret. */
  readonly bytes: Uint8Array
}

/** A site's two secrets together, or one of them. */
const secretBytesAllowed: readonly number[] = [32, 64]
const indexMax = 255

/**
 * Splits a secret of 32 or 64 bytes into one share per index; any `threshold` of them rebuild it, fewer tell nothing.
 * `random(bytes)` gives the coefficients, from the linear one on.
 */
export function splitSecret(
  secret: Uint8Array,
  threshold: number,
  indices: readonly number[],
  random: (bytes: number) => Uint8Array = randomBytes,
): Share[] {
  assertSecretLength(secret.length)
  assertIndices(indices)
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > indices.length)
    throw new FederationError('invalid-argument', `a threshold of ${threshold} does not fit ${indices.length} sites`)
  const coefficients = [toWords(secret)]
  for (let degree = 1; degree < threshold; degree++) coefficients.push(toWords(random(secret.length)))
  const shares = indices.map((index) => ({ index, bytes: toBytes(evaluate(coefficients, index)) }))
  for (const coefficient of coefficients) coefficient.fill(0)
  return shares
}

/** Rebuilds the secret from exactly as many shares as the threshold. */
export function rebuildSecret(shares: readonly Share[]): Uint8Array {
  return interpolate(shares, 0)
}

/** The polynomials' value at `index`: the secret at 0, the share of a site elsewhere. */
export function interpolate(shares: readonly Share[], index: number): Uint8Array {
  const length = shares[0]?.bytes.length ?? 0
  assertSecretLength(length)
  if (shares.some(({ bytes }) => bytes.length !== length))
    throw new FederationError('invalid-argument', 'shares of one secret have one length')
  const indices = shares.map((share) => share.index)
  assertIndices(indices)
  if (shares.length < 2) throw new FederationError('invalid-argument', 'one share rebuilds nothing')
  const sum = new Uint32Array(length / 4)
  for (const share of shares) {
    const words = toWords(share.bytes)
    const coefficient = lagrangeCoefficient(indices, share.index, index)
    for (let i = 0; i < sum.length; i++) sum[i]! ^= times(words[i]!, coefficient)
    words.fill(0)
  }
  return toBytes(sum)
}

/** Product in GF(2^8) of two public bytes. */
export function multiply(a: number, b: number): number {
  return times(a, b)
}

/** Horner's rule, all bytes at once. */
function evaluate(coefficients: readonly Uint32Array[], index: number): Uint32Array {
  const value = new Uint32Array(coefficients[0]!.length)
  for (let degree = coefficients.length - 1; degree >= 0; degree--) {
    const coefficient = coefficients[degree]!
    for (let i = 0; i < value.length; i++) value[i] = times(value[i]!, index) ^ coefficient[i]!
  }
  return value
}

/** Four bytes times a public factor: the bits of the factor steer, the bytes are only shifted and masked. */
function times(word: number, factor: number): number {
  let power = word
  let product = 0
  for (let rest = factor; rest !== 0; rest >>>= 1) {
    if ((rest & 1) === 1) product ^= power
    power = ((power & 0x7f7f7f7f) << 1) ^ (((power >>> 7) & 0x01010101) * 0x1b)
  }
  return product
}

/** prod over the other indices k of (at - k) / (own - k); subtraction is exclusive or. All public. */
function lagrangeCoefficient(indices: readonly number[], own: number, at: number): number {
  let numerator = 1
  let denominator = 1
  for (const other of indices) {
    if (other === own) continue
    numerator = multiply(numerator, at ^ other)
    denominator = multiply(denominator, own ^ other)
  }
  return multiply(numerator, inverse(denominator))
}

/** a^254 = 1 / a. */
function inverse(a: number): number {
  let result = 1
  let power = a
  for (let bit = 1; bit < 8; bit++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}

function toWords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}

function toBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer)
}

function assertSecretLength(length: number): void {
  if (!secretBytesAllowed.includes(length))
    throw new FederationError('invalid-argument', `a shared secret has 32 or 64 bytes, not ${length}`)
}

function assertIndices(indices: readonly number[]): void {
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 1 || index > indexMax)
  if (wrong !== undefined)
    throw new FederationError('invalid-argument', `a share's index is 1 to ${indexMax}, not ${wrong}`)
  if (new Set(indices).size !== indices.length)
    throw new FederationError('invalid-argument', 'two shares have the same index')
}
