/**
 * Keys that this site alone can make, from the seed of its identity (HKDF, RFC 5869): what it keeps of a secure round opens
 * for nobody else.
 */
import { hkdfSync } from 'node:crypto'
import type { Identity } from '@consilium/protos/identity.ts'

const labels = {
  session: 'session-journal',
  words: 'outbox-words',
  checkpoint: 'checkpoint',
  columns: 'column-sums',
} as const

/** 32 bytes: HKDF-SHA256(identity seed, salt, "fedsum/v1/site/" label). */
export function ownKey({ seed }: Identity, use: keyof typeof labels, salt: Uint8Array = new Uint8Array()): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', seed, salt, `fedsum/v1/site/${labels[use]}`, 32))
}
