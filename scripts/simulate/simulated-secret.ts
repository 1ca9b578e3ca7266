/** The site secret of a simulated hospital: from its name alone, so that its splits and runs repeat. */
import { createHash } from 'node:crypto'

/** 32 bytes. */
export function simulatedSecret(site: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`consilium/simulated-site-secret\0${site}`).digest())
}
