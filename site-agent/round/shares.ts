/**
 * The shares that a site is sent before it masks its update (fedsum, section A.4: S3): who shared its keys (U2), and what
 * they sealed for this site. A share that does not open, or is not what its dealer committed to, ends in a complaint.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { verifySignatureOfHash } from '@consilium/protos/identity.ts'
import { agree, channelKey } from '@consilium/protos/secagg/keys.ts'
import type { ReceivedShare, ShareKeysMessage, Sharer } from '@consilium/protos/secagg/messages.ts'
import { openShare, type ReceivedKeys } from '@consilium/protos/secagg/sealed-share.ts'
import { type ComplaintReason, messageHash, shareKeysMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { assertAscending, sharersHash } from '@consilium/protos/secagg/transcript.ts'
import { refusedAs, type SecureCohort } from './session.ts'
import type { CheckedDirectory } from './share-keys.ts'

/** S3, all but the shares themselves. Returns U2hash; throws `shares-invalid` for the first check that U2 fails. */
export function checkSharers(
  sharers: readonly Sharer[],
  own: ShareKeysMessage,
  { sid, advertised, thresholds }: CheckedDirectory,
  { index, roster }: Pick<SecureCohort, 'index' | 'roster'>,
): Uint8Array {
  return refusedAs('shares-invalid', () => {
    assertAscending(sharers)
    for (const sharer of sharers) {
      const entry = roster[sharer.index - 1]
      if (!entry || !advertised.has(sharer.index))
        throw invalid(`site ${sharer.index} is said to have shared keys that it never advertised`)
      if (!verifySignatureOfHash(entry.publicKey, sharer.signature, 'sharekeys', sharer.shareKeysHash))
        throw invalid(`the shared keys of ${entry.name} are not signed with its identity`)
    }
    const mine = sharers.find((sharer) => sharer.index === index)
    const ownHash = messageHash(shareKeysMessage(sid, index, own, own.rows))
    if (!mine || Buffer.compare(mine.shareKeysHash, ownHash) !== 0)
      throw invalid('the keys that this site shared are not among the shared ones as it shared them')
    if (sharers.length < thresholds.survivorsMin)
      throw invalid(`${sharers.length} sites shared their keys, a sum needs ${thresholds.survivorsMin}`)
    return sharersHash(sid, sharers)
  })
}

/** A complaint, to be signed: `against` dealt this site a wrong share. */
export type WrongShare = { readonly against: number; readonly reason: ComplaintReason }

/**
 * Opens what every other sharer sealed for this site; the first wrong one is a complaint. Throws `shares-invalid` where
 * they are not from all of them, each once.
 */
export function openShares(
  received: readonly ReceivedShare[],
  sharers: readonly Sharer[],
  channelSecretKey: Uint8Array,
  { sid, advertised }: CheckedDirectory,
  index: number,
): { readonly held: ReadonlyMap<number, ReceivedKeys>; readonly wrong?: never } | { readonly wrong: WrongShare } {
  const due = sharers.filter((sharer) => sharer.index !== index)
  if (received.length !== due.length || due.some((dealer, i) => received[i]!.index !== dealer.index))
    throw invalid('the shares that came are not those of the sites that are said to have shared their keys')
  const held = new Map<number, ReceivedKeys>()
  for (const row of received) {
    const key = channelKey(agree(channelSecretKey, advertised.get(row.index)!.channelKey), sid, row.index, index)
    const opened = openShare(sid, row.index, index, key, row, row.groupCommitment)
    if (opened.complaint) return { wrong: { against: row.index, reason: opened.complaint } }
    held.set(row.index, opened.held)
  }
  return { held }
}

function invalid(why: string): FederationError {
  return new FederationError('shares-invalid', why)
}
