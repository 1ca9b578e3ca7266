/** The coordinator's word that a run goes back to the model of an earlier train round; it stands in the run's log. */
import { type Identity, sign, verifySignature } from './identity.ts'
import type { RunId, Sha256 } from './plan/names.ts'

/** Over ("rollback", run id, u32be round, parameters), 64 bytes. */
export function signRollback(coordinator: Identity, run: RunId, round: number, parameters: Sha256): Uint8Array {
  return sign(coordinator, 'rollback', ...rollbackParts(run, round, parameters))
}

export function verifyRollback(
  coordinatorPublicKey: Uint8Array,
  signature: Uint8Array,
  { run, round, parameters }: { readonly run: RunId; readonly round: number; readonly parameters: Sha256 },
): boolean {
  return verifySignature(coordinatorPublicKey, signature, 'rollback', ...rollbackParts(run, round, parameters))
}

function rollbackParts(run: RunId, round: number, parameters: Sha256): Uint8Array[] {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(round)
  return [Buffer.from(run, 'utf8'), number, Buffer.from(parameters, 'hex')]
}
