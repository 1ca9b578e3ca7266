/** What every event log must do, whatever it is built on. */
import { errorCode } from '@consilium/protos/errors.ts'
import { type LogEntry, type NewEntry, verifyChain } from '@consilium/protos/log/entry.ts'
import { describe, expect, test } from 'vitest'
import type { EventLog } from '../../../coordinator/store/event-log.ts'
import { collect } from '../../support/collect.ts'

export function newEntry(type: string, body: NewEntry['body'] = {}): NewEntry {
  return { type, at: '2026-11-22T10:00:00.000Z', body }
}

export async function readAll(log: EventLog, stream: string): Promise<LogEntry[]> {
  return collect(log.read(stream))
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error) => errorCode(error),
  )
}

export function eventLogContract(name: string, open: () => Promise<EventLog>): void {
  describe(name, () => {
    test('entries come back in the order they were appended, chained by their hashes', async () => {
      const log = await open()
      await log.append('run/a', 0, [newEntry('one', { n: 1, text: 'ü' }), newEntry('two')])
      await log.append('run/a', 2, [newEntry('three', { nested: { list: [1, null, true] } })])
      const entries = await readAll(log, 'run/a')
      expect(entries.map(({ type, seq }) => [type, seq])).toEqual([
        ['one', 0],
        ['two', 1],
        ['three', 2],
      ])
      expect(entries[2]!.body).toEqual({ nested: { list: [1, null, true] } })
      expect(verifyChain(entries)).toBe(entries[2]!.hash)
      await log.close()
    })

    test('append returns the chained entries that read gives', async () => {
      const log = await open()
      const appended = await log.append('run/a', 0, [newEntry('one'), newEntry('two')])
      expect(await readAll(log, 'run/a')).toEqual(appended)
      await log.close()
    })

    test.for([0, 2, 5])('appending at the stale length %i is refused and changes nothing', async (length) => {
      const log = await open()
      await log.append('run/a', 0, [newEntry('one')])
      expect(await codeOf(log.append('run/a', length, [newEntry('two')]))).toBe('append-conflict')
      expect(await readAll(log, 'run/a')).toHaveLength(1)
      await log.close()
    })

    test('of two appends at the same length one is refused', async () => {
      const log = await open()
      const results = await Promise.allSettled([
        log.append('run/a', 0, [newEntry('left')]),
        log.append('run/a', 0, [newEntry('right')]),
      ])
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
      expect(await readAll(log, 'run/a')).toHaveLength(1)
      await log.close()
    })

    test('streams are apart, and listed by their first entry', async () => {
      const log = await open()
      await log.append('federation', 0, [newEntry('one')])
      await log.append('run/b', 0, [newEntry('one')])
      await log.append('run/a', 0, [newEntry('one')])
      await log.append('federation', 1, [newEntry('two')])
      expect(await log.streams()).toEqual(['federation', 'run/b', 'run/a'])
      expect(await readAll(log, 'run/b')).toHaveLength(1)
      expect(await readAll(log, 'run/none')).toEqual([])
      await log.close()
    })

    test('a long stream is read to its end', async () => {
      const log = await open()
      const entries = Array.from({ length: 1203 }, (_, n) => newEntry('counted', { n }))
      await log.append('run/a', 0, entries)
      expect((await readAll(log, 'run/a')).map(({ seq }) => seq)).toEqual(Array.from({ length: 1203 }, (_, i) => i))
      await log.close()
    })

    test('a single entry is the one that reading the stream gives', async () => {
      const log = await open()
      const appended = await log.append('run/a', 0, [newEntry('one'), newEntry('two', { n: 2 }), newEntry('three')])
      expect(await log.entry('run/a', 1)).toEqual(appended[1])
      expect(await log.entry('run/a', 3)).toBeUndefined()
      expect(await log.entry('run/none', 0)).toBeUndefined()
      await log.close()
    })

    test('an append of nothing changes nothing', async () => {
      const log = await open()
      expect(await log.append('run/a', 0, [])).toEqual([])
      expect(await log.streams()).toEqual([])
      await log.close()
    })
  })
}
