/** The event log in memory, for tests and trials: the same contract, gone with the process. */
import { FederationError } from '@consilium/protos/errors.ts'
import { chain, type LogEntry, noHead } from '@consilium/protos/log/entry.ts'
import type { EventLog } from './event-log.ts'

export function openMemoryEventLog(): EventLog {
  const streams = new Map<string, LogEntry[]>()
  return {
    async append(stream, expectedLength, entries) {
      const existing = streams.get(stream) ?? []
      if (existing.length !== expectedLength)
        throw new FederationError(
          'append-conflict',
          `stream ${stream} has ${existing.length} entries, not ${expectedLength}`,
        )
      const chained = chain(stream, existing.length, existing.at(-1)?.hash ?? noHead, structuredClone(entries))
      if (chained.length > 0) streams.set(stream, [...existing, ...chained])
      return chained
    },
    async *read(stream) {
      for (const entry of streams.get(stream) ?? []) yield structuredClone(entry)
    },
    async entry(stream, seq) {
      return structuredClone(streams.get(stream)?.[seq])
    },
    async streams() {
      return [...streams.keys()]
    },
    async close() {},
  }
}
