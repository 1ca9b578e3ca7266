/** A full disk holds back whatever has something to say; a refusal leaves, and its entry is made up for. */
import { expect, test } from 'vitest'
import { queuedLedger } from '../../../site-agent/link/queued-ledger.ts'
import { memoryLedger } from '../../support/wire-fixture.ts'

function fixture() {
  const ledger = memoryLedger()
  const told: string[] = []
  const log = {
    info: (_: unknown, message: string) => told.push(message),
    error: ({ kind, reason }: { kind: string; reason: string }, message: string) =>
      told.push(`${kind} ${message}: ${reason}`),
  }
  const disk = { isFull: true }
  const append = (record: Parameters<typeof ledger.append>[0]) => {
    if (disk.isFull) throw Object.assign(new Error('x'), { errcode: 13, errstr: 'database or disk is full' })
    ledger.append(record)
  }
  const queued = queuedLedger({ append }, log as never)
  const enter = (kind: string, bytes: number) => queued.append({ at: '', kind, study: '', bytes, sha256: '' })
  return { ledger, told, disk, queued, enter }
}

test('what waited is entered before what comes next, in order', () => {
  const { ledger, told, disk, enter } = fixture()
  enter('refusal', 1)
  enter('transport', 2)
  expect(ledger.records).toEqual([])
  expect(told[0]).toMatch(/^refusal left before .*: the database of this site: .*full: make room/)
  disk.isFull = false
  enter('decision', 3)
  expect(ledger.records.map(({ kind, bytes }) => [kind, bytes])).toEqual([
    ['refusal', 1],
    ['transport', 2],
    ['decision', 3],
  ])
})

test.for(['upload', 'decision', 'advertise', 'work-done', 'join', 'fetch'])('%s stays here', (kind) => {
  const { disk, ledger, enter } = fixture()
  expect(() => enter(kind, 1)).toThrow()
  disk.isFull = false
  enter('hello', 2)
  expect(ledger.records.map((record) => record.kind)).toEqual(['hello'])
})

test('no more than a thousand leave so', () => {
  const { enter } = fixture()
  for (let i = 0; i < 1000; i++) enter('progress', i)
  expect(() => enter('refusal', 1)).toThrow()
})

test('what the ledger never held is told at the end, each by itself', () => {
  const { told, queued, enter } = fixture()
  enter('refusal', 1)
  enter('hello', 1)
  told.length = 0
  queued.close()
  expect(told).toEqual([
    expect.stringMatching(/^refusal left, and the egress ledger does not hold it/),
    expect.stringMatching(/^hello left/),
  ])
})
