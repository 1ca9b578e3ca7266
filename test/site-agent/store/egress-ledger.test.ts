import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { routine } from '../../../site-agent/store/egress-ledger.ts'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'

let state: string
let store: SiteStore
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'consilium-egress-'))
  store = openSiteStore(state)
  for (let i = 0; i < 4; i++) store.egress.append(record(i))
})
afterEach(() => {
  store.close()
  rmSync(state, { recursive: true, force: true })
})

const record = (i: number) => ({
  at: `2026-11-22T10:00:0${i}.000Z`,
  kind: i % 2 === 0 ? 'progress' : 'upload',
  study: i < 2 ? 'a'.repeat(64) : '',
  bytes: 100 + i,
  sha256: String(i).repeat(64),
})

test('what was appended comes back in order, by study where one is named, with totals by kind', () => {
  expect(store.egress.list(10).map(({ seq, bytes }) => [seq, bytes])).toEqual([
    [0, 100],
    [1, 101],
    [2, 102],
    [3, 103],
  ])
  expect(store.egress.list(2)).toMatchObject([record(2), record(3)])
  expect(store.egress.list(10, 'a'.repeat(64))).toMatchObject([record(0), record(1)])
  expect(store.egress.totals()).toEqual([
    { kind: 'progress', messages: 2, bytes: 202 },
    { kind: 'upload', messages: 2, bytes: 204 },
  ])
  expect(store.egress.totals('a'.repeat(64))).toHaveLength(2)
})

test('an untouched ledger verifies, and says its length and head', () => {
  expect(store.egress.verify()).toEqual({ entries: 4, head: store.egress.list(1)[0]!.hash })
})

test('the agent and a command append to one chain', () => {
  const beside = openSiteStore(state)
  beside.egress.append(record(5))
  store.egress.append(record(6))
  beside.close()
  expect(store.egress.verify().entries).toBe(6)
})

test.for([
  {
    what: 'fewer bytes',
    sql: 'UPDATE egress SET bytes = 1 WHERE seq = 1',
    names: /entry 1 of stream egress was changed/,
  },
  {
    what: 'another study',
    sql: `UPDATE egress SET study = '' WHERE seq = 0`,
    names: /entry 0 of stream egress was changed/,
  },
  { what: 'an entry taken out', sql: 'DELETE FROM egress WHERE seq = 2', names: /entry 2 of stream egress is missing/ },
  {
    what: 'another chain from some entry on',
    sql: `UPDATE egress SET previous = '${'f'.repeat(64)}' WHERE seq = 3`,
    names: /entry 3 of stream egress does not follow/,
  },
])('$what in the file is found, by entry', ({ sql, names }) => {
  const database = new DatabaseSync(join(state, 'agent.sqlite'))
  expect(() => database.exec(sql)).toThrow(/append-only/)
  database.exec(`DROP TRIGGER egress_keeps_entries; DROP TRIGGER egress_loses_nothing; ${sql}`)
  database.close()
  expect(() => store.egress.verify()).toThrow(
    expect.objectContaining({ code: 'log-broken', message: expect.stringMatching(names) }),
  )
})

test.for(['advertise', 'share-keys', 'complaint', 'upload', 'confirm', 'unmask', 'decision', 'refusal'])(
  'the entry of a message of kind %s is on the disk before it leaves: flags of the site rely on it',
  (kind) => {
    expect(routine.has(kind)).toBe(false)
  },
)
