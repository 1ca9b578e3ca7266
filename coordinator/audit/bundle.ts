/**
 * The audit bundle of a run: one canonical JSON object to a line. A header, the coordinator's checkpoints of both streams,
 * every entry of the federation's stream and then of the run's; an object (the signed study, a bulky message of a site)
 * stands right before the entry that names it, so that a reader keeps none.
 */
import { createHash } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import { messageBytesMax } from '@consilium/protos/limits.ts'
import { type Checkpoint, checkpointSchema } from '@consilium/protos/log/checkpoint.ts'
import { type LogEntry, logEntrySchema } from '@consilium/protos/log/entry.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import { type RunId, runIdSchema, type Sha256, sha256Schema } from '@consilium/protos/plan/names.ts'
import { parseJson, readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { z } from 'zod'
import { runStream } from '../run/events.ts'

const pieceBytesMax = 1024 * 1024

export const bundleLineSchema = z.union([
  z.strictObject({
    header: z.strictObject({
      format: z.literal('consilium-audit-1'),
      federation: z.string().min(1).max(100),
      run: runIdSchema,
    }),
  }),
  z.strictObject({ checkpoint: checkpointSchema }),
  /** `text`: the object itself, which is JSON; its SHA-256 is `object`. */
  z.strictObject({ object: sha256Schema, text: z.string().max(messageBytesMax) }),
  /** A piece of an object that is no text: the study's initial parameters, the sum of a round. */
  z.strictObject({ piece: sha256Schema, base64: z.base64().max(Math.ceil(pieceBytesMax / 3) * 4) }),
  z.strictObject({ entry: logEntrySchema }),
])

export type BundleLine = z.output<typeof bundleLineSchema>

/** Where a bundle is made from: a coordinator, through its admin client. */
export type BundleSource = {
  signedHead(stream: string): Promise<Checkpoint>
  /** Canonical JSON of each entry. */
  readLog(stream: string): AsyncIterable<Uint8Array>
  fetchObject(sha256: Sha256, offset: number): AsyncIterable<Uint8Array>
}

/**
 * The lines of a run's bundle, each without its line break; a run that goes on is taken as it stands. With `sums`, the
 * initial parameters and the sum of every round are in it, so that all that was made of them can be made again.
 */
export async function* bundleLines(
  source: BundleSource,
  run: RunId,
  { sums }: { readonly sums: boolean } = { sums: true },
): AsyncGenerator<string> {
  const runHead = await source.signedHead(runStream(run))
  const federationHead = await source.signedHead(federationStream)
  let signedStudy: string | undefined
  const studies = new Map<string, string>()
  let isFirst = true
  for await (const entry of entriesOf(source, federationHead)) {
    if (isFirst) {
      yield line({ header: { format: 'consilium-audit-1', federation: String(entry.body.name), run } })
      yield line({ checkpoint: federationHead })
      yield line({ checkpoint: runHead })
      isFirst = false
    }
    const { type, body } = entry
    if (type === 'study-created') studies.set(String(body.study), String(body.signedStudy))
    if (type === 'run-created' && body.run === run) signedStudy = studies.get(String(body.study))
    yield line({ entry })
  }
  for await (const entry of entriesOf(source, runHead)) {
    const named = objectNamedBy(entry, signedStudy)
    const text = named === undefined ? undefined : await objectText(source, named)
    if (named !== undefined) yield line({ object: named, text: text! })
    const large = sums ? piecesNamedBy(entry, text) : undefined
    if (large !== undefined) yield* pieceLines(source, large)
    yield line({ entry })
  }
}

/** The object that stands before an entry of a run's stream. */
export function objectNamedBy({ type, body }: LogEntry, signedStudy: Sha256 | undefined): Sha256 | undefined {
  if (type === 'run-started') return signedStudy
  return type === 'keys-shared' || type === 'shares-revealed' ? String(body.message) : undefined
}

/** What goes in pieces before an entry: the initial parameters of a study under masks, the sums of its rounds, and those of other runs whose means it took. */
function piecesNamedBy({ type, body }: LogEntry, text: string | undefined): Sha256 | undefined {
  if (type === 'round-committed') return body.sums === undefined ? undefined : String(body.sums)
  if (type === 'columns-taken') return String((body.summed as { sums: string }).sums)
  if (type !== 'run-started' || text === undefined) return undefined
  const { study, initialParameters } = readSignedStudy(Buffer.from(text, 'utf8')).manifest
  return study.aggregation.mode === 'secure' ? initialParameters.sha256 : undefined
}

async function* pieceLines(source: BundleSource, sha256: Sha256): AsyncGenerator<string> {
  const hash = createHash('sha256')
  for await (const chunk of source.fetchObject(sha256, 0)) {
    hash.update(chunk)
    for (let at = 0; at < chunk.length; at += pieceBytesMax) {
      const base64 = Buffer.from(chunk.subarray(at, at + pieceBytesMax)).toString('base64')
      yield line({ piece: sha256, base64 })
    }
  }
  if (hash.digest('hex') !== sha256)
    throw new FederationError('hash-mismatch', `what came is not the object ${sha256}: export the bundle again`)
}

/** Exactly the entries that a checkpoint covers; throws `log-broken` where there are fewer. */
async function* entriesOf(source: BundleSource, { stream, size }: Checkpoint): AsyncGenerator<LogEntry> {
  let count = 0
  for await (const bytes of source.readLog(stream)) {
    if (count === size) return
    count += 1
    yield logEntrySchema.parse(parseJson(bytes))
  }
  if (count < size)
    throw new FederationError('log-broken', `stream ${stream} has ${count} entries, its signed head covers ${size}`)
}

async function objectText(source: BundleSource, sha256: Sha256): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of source.fetchObject(sha256, 0)) {
    bytes += chunk.length
    if (bytes > messageBytesMax)
      throw new FederationError('limit-exceeded', `object ${sha256} is too large for an audit bundle`)
    chunks.push(chunk)
  }
  const whole = Buffer.concat(chunks)
  if (sha256Hex(whole) !== sha256)
    throw new FederationError('hash-mismatch', `what came is not the object ${sha256}: export the bundle again`)
  return whole.toString('utf8')
}

function line(value: BundleLine): string {
  return canonicalJson(value).toString('utf8')
}
