/**
 * Where `consilium log` takes entries from: an exported file, the coordinator's own log file (read-only, with or without
 * a coordinator running), or a running coordinator where its log is not a file.
 */
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { messageBytesMax } from '@consilium/protos/limits.ts'

/** What should be one entry, and how to name it where it is none. */
export type LogLine = {
  readonly where: string
  readonly value: unknown
  /** Whether the bytes are the canonical form of the value; absent where the source keeps no such bytes. */
  readonly isCanonical?: boolean
}

export type LogSource = { readonly name: string; readonly lines: AsyncIterable<LogLine> | Iterable<LogLine> }

export type LogChoice = {
  readonly home: string
  /** Exported entries, one to a line. */
  readonly file?: string | undefined
  readonly run?: string | undefined
}

/** Opens the source and reads `use` through it; the federation's stream and every run's where no run is named. */
export async function withLog<Result>(choice: LogChoice, use: (source: LogSource) => Promise<Result>): Promise<Result> {
  const stream = choice.run === undefined ? undefined : (await import('../run/events.ts')).runStream(choice.run)
  if (choice.file !== undefined)
    return use({ name: choice.file, lines: onlyOf(stream, linesOf(chunksOf(choice.file))) })
  const path = join(choice.home, 'log.sqlite')
  if (existsSync(path)) {
    const { readLogFile } = await import('../store/read-log-file.ts')
    return use({ name: path, lines: readLogFile(path, stream) })
  }
  const { withAdmin } = await import('./with-admin.ts')
  return withAdmin(choice.home, (admin) =>
    use({ name: `the coordinator at ${admin.address}`, lines: received(admin.readLog(stream)) }),
  )
}

async function* received(entries: AsyncIterable<Uint8Array>): AsyncGenerator<LogLine> {
  let number = 0
  for await (const bytes of entries) {
    number += 1
    yield readLine(Buffer.from(bytes), `entry ${number} as sent`)
  }
}

/** Unreadable lines stay: which stream they were of can no longer be told. */
async function* onlyOf(stream: string | undefined, lines: AsyncIterable<LogLine>): AsyncGenerator<LogLine> {
  for await (const line of lines) {
    const { value } = line
    const isEntry = typeof value === 'object' && value !== null && 'stream' in value
    if (stream === undefined || !isEntry || value.stream === stream) yield line
  }
}

/** The bytes of a file; throws `invalid-argument` where it cannot be read. */
export async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer
  } catch (cause) {
    throw new FederationError('invalid-argument', `cannot read the log: ${errorMessage(cause)}`, { cause })
  }
}

/** The lines of an exported log, numbered from 1. */
export async function* linesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<LogLine> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 1
  for await (const chunk of chunks) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      yield readLine(rest.subarray(0, end), `line ${number}`)
      number += 1
      rest = rest.subarray(end + 1)
    }
    if (rest.length > messageBytesMax)
      throw new FederationError('log-broken', `line ${number} is longer than any entry: this is no exported log`)
  }
  if (rest.length > 0) yield readLine(rest, `line ${number}`)
}

function readLine(bytes: Buffer, where: string): LogLine {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return { where: entryName(value) ?? where, value, isCanonical: canonicalJson(value).equals(bytes) }
  } catch {
    return { where, value: undefined }
  }
}

function entryName(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('stream' in value) || !('seq' in value)) return undefined
  return typeof value.stream === 'string' && typeof value.seq === 'number'
    ? `entry ${value.seq} of stream ${value.stream}`
    : undefined
}
