/**
 * One entry of the append-only event log, and the hash chain over it: every entry carries the hash of the one before it
 * in its stream, so that a changed, removed or inserted entry is found by reading. There is one stream for the
 * federation and one for each run.
 */
import { z } from 'zod'
import { FederationError } from '../errors.ts'
import { canonicalJson, labelledHash } from '../hash.ts'
import { sha256Schema } from '../plan/names.ts'

export const logEntrySchema = z.strictObject({
  stream: z.string().min(1).max(100),
  /** 0-based position in the stream. */
  seq: z.int().min(0),
  /** Hash of the entry before it; 64 zeros for the first. */
  previous: sha256Schema,
  /** ISO 8601 time at which the coordinator decided it. */
  at: z.iso.datetime(),
  type: z.string().min(1).max(100),
  body: z.record(z.string(), z.json()),
  hash: sha256Schema,
})

export type LogEntry = z.output<typeof logEntrySchema>
/** What is appended: the log adds stream, position and hashes. */
export type NewEntry = { readonly type: string; readonly at: string; readonly body: LogEntry['body'] }

export const noHead = '0'.repeat(64)

/** H("audit", previous, canonical({stream, seq, at, type, body})), hexadecimal. */
export function entryHash(entry: Omit<LogEntry, 'hash'>): string {
  const { stream, seq, previous, at, type, body } = entry
  return labelledHash('audit', Buffer.from(previous, 'hex'), canonicalJson({ stream, seq, at, type, body })).toString(
    'hex',
  )
}

/** Chains `entries` onto the stream whose last entry has hash `head` and which has `length` entries. */
export function chain(stream: string, length: number, head: string, entries: readonly NewEntry[]): LogEntry[] {
  let previous = head
  return entries.map((entry, i) => {
    const unhashed = { stream, seq: length + i, previous, ...entry }
    const hash = entryHash(unhashed)
    previous = hash
    return { ...unhashed, hash }
  })
}

/** How far a stream was read: its entries, and the hash of the last one. */
export type ChainEnd = { readonly length: number; readonly head: string }

export const chainStart: ChainEnd = { length: 0, head: noHead }

/** The end of a stream with one entry more; throws `log-broken` where the entry is not the one that follows. */
export function follow({ length, head }: ChainEnd, entry: LogEntry): ChainEnd {
  const where = `entry ${length} of stream ${entry.stream}`
  if (entry.seq !== length)
    throw new FederationError('log-broken', `${where} is missing: entry ${entry.seq} stands in its place`)
  if (entry.previous !== head) throw new FederationError('log-broken', `${where} does not follow the entry before it`)
  if (entryHash(entry) !== entry.hash)
    throw new FederationError('log-broken', `${where} was changed: its hash does not match`)
  return { length: length + 1, head: entry.hash }
}

/** Checks one stream from its start; throws `log-broken` naming the first bad entry. Returns the head. */
export function verifyChain(entries: Iterable<LogEntry>): string {
  let end = chainStart
  for (const entry of entries) end = follow(end, entry)
  return end.head
}
