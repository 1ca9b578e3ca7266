/**
 * The coordinator's word that it revoked a site, which every site keeps and gives back when it attends: so a coordinator
 * that runs from an old copy lets nobody in again whom it had sent away (fedsum, section E.6).
 */
import { type Identity, sign, verifySignature } from './identity.ts'
import type { SiteName } from './plan/names.ts'

export type Revocation = {
  readonly site: SiteName
  /** Ed25519, 32 bytes: the identity that was sent away. Whoever joins later under the name has its own standing. */
  readonly publicKey: Uint8Array
  /** Of the coordinator's log when it was revoked. */
  readonly epoch: number
  /** ISO 8601 */
  readonly at: string
  readonly signature: Uint8Array
}

export function signRevocation(coordinator: Identity, revoked: Omit<Revocation, 'signature'>): Revocation {
  return { ...revoked, signature: sign(coordinator, 'revocation', ...signedParts(revoked)) }
}

/** Never throws. */
export function verifyRevocation(coordinatorPublicKey: Uint8Array, revocation: Revocation): boolean {
  return verifySignature(coordinatorPublicKey, revocation.signature, 'revocation', ...signedParts(revocation))
}

/** Site name, public key, u32(epoch) big-endian, time. */
function signedParts({ site, publicKey, epoch, at }: Omit<Revocation, 'signature'>): Uint8Array[] {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(epoch)
  return [Buffer.from(site), publicKey, number, Buffer.from(at)]
}
