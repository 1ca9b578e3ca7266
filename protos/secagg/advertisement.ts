/** Reads back what a site advertised (fedsum, section A.3, message 1); `signed-messages.ts` writes it. */
import { FederationError } from '../errors.ts'
import type { RoundPlan } from '../plan/round-plan.ts'
import { assertAgreementKey } from './keys.ts'
import { decodeLedger, ledgerBytes } from './session-ledger.ts'
import type { Advertisement } from './signed-messages.ts'
import { siteIndexBytes } from './transcript.ts'

/** Throws `message-invalid` for bytes that `advertisedBody` does not write, and for keys nobody can agree with. */
export function readAdvertisement(body: Uint8Array): Advertisement {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (at + length > body.length) throw new FederationError('message-invalid', 'the advertised keys are cut short')
    at += length
    // Copies: a slice of a Buffer would share its memory.
    return Uint8Array.from(body.subarray(at - length, at))
  }
  const takeTagged = (tag: number) => at < body.length && body[at] === tag && take(1).length === 1
  const [high, low] = take(2)
  const index = 256 * high! + low!
  siteIndexBytes(index)
  const [channelKey, maskKey, nonce, modelHash] = [take(32), take(32), take(16), take(32)]
  assertAgreementKey(channelKey)
  assertAgreementKey(maskKey)
  const ledger = decodeLedger(take(ledgerBytes))
  if (!ledger)
    throw new FederationError('message-invalid', 'the ledger in the advertised keys has no such epoch or number')
  const previousAttempt = takeTagged(2) ? { planHash: take(32), released: readFlag(take(1)) } : undefined
  if (at !== body.length) throw new FederationError('message-invalid', 'there is more behind the advertised keys')
  return {
    index,
    channelKey,
    maskKey,
    nonce,
    modelHash,
    ledger,
    ...(previousAttempt && { previousAttempt }),
  }
}

/**
 * Whether an advertisement says what its plan asks for: in a further attempt, that its site revealed nothing for the plan
 * before and never will; in the first attempt nothing of the kind.
 */
export function abandonsAttemptBefore(
  { previousAttempt }: Pick<Advertisement, 'previousAttempt'>,
  { attempt }: Pick<RoundPlan, 'attempt'>,
): boolean {
  if (!attempt || !previousAttempt) return !attempt && !previousAttempt
  return !previousAttempt.released && Buffer.from(previousAttempt.planHash).toString('hex') === attempt.after
}

function readFlag(byte: Uint8Array): boolean {
  if (byte[0]! > 1) throw new FederationError('message-invalid', 'a flag in the advertised keys is neither 0 nor 1')
  return byte[0] === 1
}
