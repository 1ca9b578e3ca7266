/**
 * The entry of a run's log that made a global model: a training round that was committed, or a run taken back to an
 * earlier model. Sites read it from the proof that they ask for, so it is held to its own hash and stream first.
 */
import { z } from 'zod'
import { FederationError } from '../errors.ts'
import { canonicalJson } from '../hash.ts'
import { messageBytesMax } from '../limits.ts'
import { base64Schema, type RunId, type Sha256, sha256Schema } from '../plan/names.ts'
import { parseJson } from '../plan/signed-study.ts'
import { entryHash, type LogEntry, logEntrySchema } from './entry.ts'
import { leafHash } from './merkle.ts'

const runStreamPrefix = 'run/'

/** Name of a run's stream in the event log. */
export function runStream(run: RunId): string {
  return `${runStreamPrefix}${run}`
}

/** The run whose stream it is; undefined for another stream. */
export function runOf(stream: string): RunId | undefined {
  return stream.startsWith(runStreamPrefix) ? stream.slice(runStreamPrefix.length) : undefined
}

/** An entry's leaf in the Merkle tree of its stream: its 32-byte hash, hashed as a leaf. */
export function entryLeaf(entry: Pick<LogEntry, 'hash'>): Uint8Array {
  return leafHash(Buffer.from(entry.hash, 'hex'))
}

/** `parameters`: SHA-256 of the global parameters; `leaf`: what the Merkle tree holds of the entry. */
export type ModelEntry = { readonly parameters: Sha256; readonly leaf: Uint8Array } & (
  | { readonly made: 'trained' }
  /** `round`: the training round whose model it is; `signature`: the coordinator's, see `rollback.ts`. */
  | { readonly made: 'rolled-back'; readonly round: number; readonly signature: Uint8Array }
)

/** Reads canonical JSON of entry `seq` of a run; throws `model-not-in-log` where it is another one or made no model. */
export function readModelEntry(bytes: Uint8Array, run: RunId, seq: number): ModelEntry {
  const entry = readEntry(bytes)
  if (!entry || entry.stream !== runStream(run) || entry.seq !== seq)
    throw new FederationError('model-not-in-log', `what came is not entry ${seq} of the log of run ${run}`)
  const made = madeModelSchema.safeParse(entry)
  if (!made.success)
    throw new FederationError('model-not-in-log', `entry ${seq} of run ${run} (${entry.type}) made no global model`)
  const leaf = entryLeaf(entry)
  if (made.data.type === 'round-committed')
    return { made: 'trained', parameters: made.data.body.result.parameters, leaf }
  const { round, parameters, signature } = made.data.body
  return { made: 'rolled-back', parameters, leaf, round, signature: Buffer.from(signature, 'base64') }
}

const madeModelSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('round-committed'),
    body: z.object({ result: z.object({ purpose: z.literal('train'), parameters: sha256Schema }) }),
  }),
  z.object({
    type: z.literal('run-rolled-back'),
    body: z.object({ round: z.int().min(0), parameters: sha256Schema, signature: base64Schema(64) }),
  }),
])

/** The entry, where the bytes are its one canonical form and its hash is its own. */
function readEntry(bytes: Uint8Array): LogEntry | undefined {
  if (bytes.length > messageBytesMax) return undefined
  try {
    const entry = logEntrySchema.parse(parseJson(bytes))
    return canonicalJson(entry).equals(bytes) && entryHash(entry) === entry.hash ? entry : undefined
  } catch {
    return undefined
  }
}
