/** What is wrong with a message that no honest agent sends, as a reason to drop its sender. */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { messageHash, type SignedMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'
import { dropEvents, type Losing } from './dropouts.ts'
import type { RoundEvent } from './events.ts'

/** The fault that `check` throws, as `code: message`, naming the field; undefined where it passes. */
export function faultOf(check: () => void): string | undefined {
  try {
    check()
  } catch (error) {
    if (error instanceof FederationError) return `${error.code}: ${error.message}`
    throw error
  }
  return undefined
}

/** Throws what {@link faultOf} catches where `holds` is false. */
export function require(holds: boolean, code: ErrorCode, message: string): void {
  if (!holds) throw new FederationError(code, message)
}

/** Throws `signature-invalid` where it is not the site's signature over this message; gives the hash that it covers. */
export function requireSigned(
  { publicKey }: RosterEntry,
  signature: Uint8Array,
  message: SignedMessage,
  what: string,
): Uint8Array {
  require(verifyMessage(publicKey, signature, message), 'signature-invalid', `signature: not this site's over ${what}`)
  return messageHash(message)
}

/** `events` where the message has no fault, else those of dropping its sender. */
export function unlessFault(
  round: Losing,
  site: SiteName,
  fault: string | undefined,
  now: Date,
  events: () => RoundEvent[],
): RoundEvent[] {
  return fault === undefined ? events() : dropEvents(round, [{ site, cause: 'misbehaved', reason: fault }], now)
}
