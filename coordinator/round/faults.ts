/** Throws what is wrong with a message that no honest agent sends: a reason to drop its sender. */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import { messageHash, type SignedMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'

/** Throws a FederationError where this does not hold. */
export function must(holds: boolean, code: ErrorCode, message: string): void {
  if (!holds) throw new FederationError(code, message)
}

/** Throws `signature-invalid` where it is not the site's signature over this message; gives the hash that it covers. */
export function mustBeSigned(
  { publicKey }: RosterEntry,
  signature: Uint8Array,
  message: SignedMessage,
  what: string,
): Uint8Array {
  must(verifyMessage(publicKey, signature, message), 'signature-invalid', `signature: not this site's over ${what}`)
  return messageHash(message)
}
