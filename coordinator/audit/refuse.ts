/** How every check of an audit says no: one code, and words that name what is wrong with the entry under scrutiny. */
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'

/** Throws `log-broken` unless `holds`. */
export function require(holds: boolean, why: string): asserts holds {
  if (!holds) throw new FederationError('log-broken', why)
}

/** The value, or `log-broken` where there is none. */
export function present<T>(value: T | undefined, why: string): T {
  require(value !== undefined, why)
  return value
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

export function short(hash: string): string {
  return hash.slice(0, 12)
}

export function sameJson(one: unknown, other: unknown): boolean {
  if (one === undefined || other === undefined) return one === other
  return canonicalJson(one).equals(canonicalJson(other))
}
