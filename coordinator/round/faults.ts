/** What is wrong with a message that no honest agent sends, as a reason to drop its sender. */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { messageHash, type SignedMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'
import { dropEvents, type Losing } from './dropouts.ts'
import type { RoundEvent } from './events.ts'

/** What a check gave, or its fault as `code: message`. */
export type Checked<Value> =
  | { readonly value: Value; readonly fault?: never }
  | { readonly fault: string; readonly value?: never }

/** Runs a check that throws a FederationError naming the field; other errors pass through. */
export function checked<Value>(check: () => Value): Checked<Value> {
  try {
    return { value: check() }
  } catch (error) {
    if (error instanceof FederationError) return { fault: `${error.code}: ${error.message}` }
    throw error
  }
}

/** Throws what {@link checked} catches where this does not hold. */
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

/** `events` where the message passed its check, else those of dropping its sender. */
export function unlessFault<Value>(
  round: Losing,
  site: SiteName,
  { fault, value }: Checked<Value>,
  now: Date,
  events: (value: Value) => RoundEvent[],
): RoundEvent[] {
  if (fault !== undefined) return dropEvents(round, [{ site, cause: 'misbehaved', reason: fault }], now)
  return events(value)
}
