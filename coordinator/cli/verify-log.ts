/**
 * Verifies an event log: every line is an entry in canonical form, and in every stream each entry carries the hash of the
 * one before it. Needs nothing but the entries.
 */
import { errorMessage } from '@consilium/protos/errors.ts'
import { type ChainEnd, chainStart, follow, type LogEntry, logEntrySchema } from '@consilium/protos/log/entry.ts'
import type { LogLine } from './log-source.ts'

export type StreamReport = {
  readonly stream: string
  readonly entries: number
  /** Hash of the last entry; absent where the stream is broken. */
  readonly head?: string
  /** What is wrong with the first bad entry. */
  readonly error?: string
}

export type LogReport = {
  readonly ok: boolean
  readonly entries: number
  readonly streams: readonly StreamReport[]
  /** What is wrong, the first bad entry first. */
  readonly errors: readonly string[]
}

export async function verifyLog(lines: AsyncIterable<LogLine> | Iterable<LogLine>): Promise<LogReport> {
  const streams = new Map<string, Checked>()
  const errors: string[] = []
  for await (const line of lines) {
    const entry = logEntrySchema.safeParse(line.value)
    if (!entry.success) errors.push(`${line.where} was changed: it is no log entry`)
    else if (line.isCanonical === false) errors.push(`${line.where} was changed: it is not in canonical form`)
    else streams.set(entry.data.stream, checked(streams.get(entry.data.stream) ?? nothingChecked, entry.data))
  }
  const reports = [...streams].map(
    ([stream, { entries, end, error }]): StreamReport => ({
      stream,
      entries,
      ...(error === undefined ? { head: end.head } : { error }),
    }),
  )
  errors.push(...reports.flatMap(({ error }) => error ?? []))
  const entries = reports.reduce((sum, report) => sum + report.entries, 0)
  if (entries === 0 && errors.length === 0) errors.push('there is no entry: an empty log proves nothing')
  return { ok: errors.length === 0, entries, streams: reports, errors }
}

/** A stream so far; the entries themselves are not kept, so a log of any length can be verified. */
type Checked = { readonly entries: number; readonly end: ChainEnd; readonly error?: string }

const nothingChecked: Checked = { entries: 0, end: chainStart }

/** The first bad entry is the one that is told of. */
function checked(stream: Checked, entry: LogEntry): Checked {
  const entries = stream.entries + 1
  if (stream.error !== undefined) return { ...stream, entries }
  try {
    return { entries, end: follow(stream.end, entry) }
  } catch (error) {
    return { ...stream, entries, error: errorMessage(error) }
  }
}
