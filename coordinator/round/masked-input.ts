/** What a site signs about its masked vectors when it announces their upload: checked, and as the log keeps it. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'
import { inputMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import type { RoundCommand } from './commands.ts'
import type { EventOf } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import { fromBase64, type MaskingSession, rosterEntry, toBase64, toHex, uploadRootOf } from './session.ts'

type Announcement = Extract<RoundCommand, { type: 'announce-update' }>
type LoggedInput = NonNullable<EventOf<'update-announced'>['masked']>

/** Throws where this is not what the site was asked for: another size, other vectors, not its signature. */
export function checkInput(session: MaskingSession, { site, bytes, masked }: Announcement): void {
  const { plan, sid, u2Hash } = session
  if (!masked) throw new FederationError('message-invalid', 'masked: missing in a secure round')
  const own = rosterEntry(session, site)
  const [due, vectors] = [secureUploadBytes(plan.vectors), plan.vectors.length]
  must(bytes === due, 'message-invalid', `size: ${bytes} bytes, ${due} are due`)
  must(masked.vectorHashes.length === vectors, 'message-invalid', `vectorHashes: not one for each of ${vectors}`)
  const root = uploadRootOf(session, own.index, masked.vectorHashes)
  must(toHex(root) === toHex(masked.root), 'hash-mismatch', 'root: not that of the hashes of these vectors')
  mustBeSigned(own, masked.signature, inputMessage(sid, u2Hash, own.index, root), 'this root and these sharers')
}

export function loggedInput({ root, vectorHashes, signature }: MaskedInput): LoggedInput {
  return { root: toHex(root), vectorHashes: vectorHashes.map(toHex), signature: toBase64(signature) }
}

export function readInput({ root, vectorHashes, signature }: LoggedInput): MaskedInput {
  return {
    root: Buffer.from(root, 'hex'),
    vectorHashes: vectorHashes.map((hash) => Buffer.from(hash, 'hex')),
    signature: fromBase64(signature),
  }
}
