/** The hash chain of the event log: whatever is changed, removed, inserted or swapped is found, and named. */
import {
  chain,
  entryHash,
  type LogEntry,
  logEntrySchema,
  type NewEntry,
  noHead,
  verifyChain,
} from '@consilium/protos/log/entry.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const at = '2026-11-05T12:00:00.000Z'
// A body with the key __proto__ would lose it in parsing and then not verify: it is left out here.
const newEntries: fc.Arbitrary<NewEntry[]> = fc
  .array(
    fc.record({
      type: fc.stringMatching(/^[a-z-]{1,20}$/),
      at: fc.constant(at),
      body: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<LogEntry['body'][string]>),
    }),
    { minLength: 2, maxLength: 8 },
  )
  .filter((entries) => !JSON.stringify(entries).includes('__proto__'))

function log(entries: readonly NewEntry[]): LogEntry[] {
  return chain('run-1', 0, noHead, entries)
}

function isBrokenAt(seq: number) {
  return expect.objectContaining({ code: 'log-broken', message: expect.stringContaining(`entry ${seq} of stream`) })
}

describe('a chain', () => {
  test('verifies, and its head is the hash of its last entry', () => {
    fc.assert(
      fc.property(newEntries, (entries) => {
        const chained = log(entries)
        expect(verifyChain(chained)).toBe(chained.at(-1)?.hash)
        expect(chained.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i))
        for (const entry of chained) expect(logEntrySchema.parse(entry)).toEqual(entry)
      }),
    )
  })

  test('is the same whether it was appended in one piece or in two', () => {
    fc.assert(
      fc.property(newEntries, fc.nat(8), (entries, cut) => {
        const first = chain('run-1', 0, noHead, entries.slice(0, cut))
        const rest = chain('run-1', first.length, first.at(-1)?.hash ?? noHead, entries.slice(cut))
        expect([...first, ...rest]).toEqual(log(entries))
      }),
    )
  })

  test('verifies after a trip through JSON', () => {
    fc.assert(
      fc.property(newEntries, (entries) => {
        const chained = log(entries)
        const read = chained.map((entry) => logEntrySchema.parse(JSON.parse(JSON.stringify(entry))))
        expect(verifyChain(read)).toBe(chained.at(-1)?.hash)
      }),
    )
  })

  test('of nothing has 64 zeros as its head', () => {
    expect(verifyChain([])).toBe(noHead)
  })
})

describe('a chain names its first bad entry', () => {
  const change: readonly (readonly [string, (entry: LogEntry) => LogEntry])[] = [
    ['body', (entry) => ({ ...entry, body: { ...entry.body, added: true } })],
    ['type', (entry) => ({ ...entry, type: `${entry.type}x` })],
    ['time', (entry) => ({ ...entry, at: '2026-11-05T12:00:00.001Z' })],
    ['stream', (entry) => ({ ...entry, stream: 'run-2' })],
    ['hash', (entry) => ({ ...entry, hash: 'ab'.repeat(32) })],
    ['previous hash', (entry) => ({ ...entry, previous: 'ab'.repeat(32) })],
  ]

  test.for(change)('with its %s changed', ([, tamper]) => {
    fc.assert(
      fc.property(newEntries, fc.nat(7), (entries, position) => {
        const index = position % entries.length
        const chained = log(entries).map((entry, i) => (i === index ? tamper(entry) : entry))
        expect(() => verifyChain(chained)).toThrow(isBrokenAt(index))
      }),
    )
  })

  test('where it was changed and hashed again: the entry after it no longer follows', () => {
    fc.assert(
      fc.property(newEntries, fc.nat(7), (entries, position) => {
        const index = position % (entries.length - 1)
        const chained = log(entries)
        const forged = { ...chained[index]!, type: 'forged' }
        chained[index] = { ...forged, hash: entryHash(forged) }
        expect(() => verifyChain(chained)).toThrow(isBrokenAt(index + 1))
      }),
    )
  })

  test('where one was removed, repeated or swapped with the next', () => {
    fc.assert(
      fc.property(newEntries, fc.nat(7), (entries, position) => {
        const chained = log(entries)
        const index = position % (entries.length - 1)
        expect(() => verifyChain(chained.toSpliced(index, 1))).toThrow(isBrokenAt(index))
        expect(() => verifyChain(chained.toSpliced(index, 0, chained[index]!))).toThrow(isBrokenAt(index + 1))
        expect(() => verifyChain(chained.toSpliced(index, 2, chained[index + 1]!, chained[index]!))).toThrow(
          isBrokenAt(index),
        )
      }),
    )
  })
})

test.for([
  ['no hash', { hash: undefined }],
  ['a negative position', { seq: -1 }],
  ['an added field', { note: 'x' }],
  ['a time that is none', { at: 'yesterday' }],
  ['a body that is no object', { body: [] }],
  ['a hash in upper case', { hash: 'AB'.repeat(32) }],
] as const)('an entry with %s is no log entry', ([, change]) => {
  const [entry] = log([{ type: 'site-added', at, body: {} }])
  expect(logEntrySchema.safeParse({ ...entry, ...change }).success).toBe(false)
})
