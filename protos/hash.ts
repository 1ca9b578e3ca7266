/**
 * The one hash function of the protocol (fedsum, section A.2): SHA-256 over a length-prefixed label and length-prefixed
 * parts, so no two calls with different parts can collide. JSON that is hashed is RFC 8785 canonical.
 */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { FederationError } from './errors.ts'

const prefix = 'fedsum/v1/'

/** H(label, p1..pk) = SHA-256( u16be(|L|) || L || (u32be(|pi|) || pi)* ) with L = "fedsum/v1/" + label; 32 bytes. */
export function labelledHash(label: string, ...parts: readonly Uint8Array[]): Buffer {
  const name = Buffer.from(prefix + label, 'utf8')
  const hash = createHash('sha256')
  const nameLength = Buffer.alloc(2)
  nameLength.writeUInt16BE(name.length)
  hash.update(nameLength).update(name)
  for (const part of parts) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    hash.update(length).update(part)
  }
  return hash.digest()
}

/** RFC 8785 canonical JSON as UTF-8; throws `message-invalid` for what JSON cannot carry (NaN, functions). */
export function canonicalJson(value: unknown): Buffer {
  const text = canonicalText(value)
  if (text === undefined) throw new FederationError('message-invalid', 'this value has no canonical JSON form')
  return Buffer.from(text, 'utf8')
}

/** SHA-256 of bytes, lower-case hexadecimal: how every object is named. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function canonicalText(value: unknown): string | undefined {
  try {
    return canonicalize(value)
  } catch (cause) {
    throw new FederationError('message-invalid', 'this value has no canonical JSON form', { cause })
  }
}
