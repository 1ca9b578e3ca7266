/** The event log as the rest of the coordinator knows it: append-only streams of hash-chained entries. */
import type { LogEntry, NewEntry } from '@consilium/protos/log/entry.ts'

export interface EventLog {
  /**
   * Appends to the end of a stream whose length the caller believes to be `expectedLength`, all entries or none.
   * Resolves once they are durable. Rejects with `append-conflict` where the stream has another length, and changes
   * nothing then; rejects with `store-failed` where the disk refuses, and it is unknown whether they are there.
   */
  append(stream: string, expectedLength: number, entries: readonly NewEntry[]): Promise<readonly LogEntry[]>
  /** All entries of a stream in order; none for an unknown stream. */
  read(stream: string): AsyncIterable<LogEntry>
  /** One entry, as its own hash has it; undefined beyond the end of the stream. */
  entry(stream: string, seq: number): Promise<LogEntry | undefined>
  /** Names of all streams, in the order of their first entry. */
  streams(): Promise<readonly string[]>
  close(): Promise<void>
}
