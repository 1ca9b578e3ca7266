/** The event log in SQLite keeps the contract, outlives a reopening, and tells where somebody changed it. */
import { writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openSqliteEventLog } from '../../../coordinator/store/sqlite-event-log.ts'
import { codeOf, eventLogContract, newEntry, readAll } from './event-log.contract.ts'

const newPath = async () => join(await mkdtemp(join(tmpdir(), 'event-log-')), 'log.sqlite')

eventLogContract('the event log in SQLite', async () => openSqliteEventLog(await newPath()))

test('entries are there after the file is opened again, and appending goes on behind them', async () => {
  const path = await newPath()
  const first = openSqliteEventLog(path)
  await first.append('run/a', 0, [newEntry('one'), newEntry('two')])
  await first.close()
  const second = openSqliteEventLog(path)
  await second.append('run/a', 2, [newEntry('three')])
  expect((await readAll(second, 'run/a')).map(({ type }) => type)).toEqual(['one', 'two', 'three'])
  await second.close()
})

test.for([
  ['the body', `UPDATE entries SET body = '{"n":9}' WHERE seq = 1`, 'entry 1'],
  ['one hash', `UPDATE entries SET hash = replace(hash, substr(hash, 1, 1), 'f') WHERE seq = 2`, 'entry 2'],
  ['the time', `UPDATE entries SET at = '2026-11-22T10:00:01.000Z' WHERE seq = 0`, 'entry 0'],
  ['a removed entry', 'DELETE FROM entries WHERE seq = 1', 'entry 1'],
  ['a broken body', `UPDATE entries SET body = '{"n":' WHERE seq = 2`, 'entry 2'],
] as const)('a change of %s breaks the log at that entry', async ([, sql, where]) => {
  const path = await newPath()
  const log = openSqliteEventLog(path)
  await log.append(
    'run/a',
    0,
    [1, 2, 3, 4].map((n) => newEntry('counted', { n })),
  )
  await log.close()
  const database = new DatabaseSync(path)
  database.exec('DROP TRIGGER entries_are_never_changed; DROP TRIGGER entries_are_never_removed')
  database.exec(sql)
  database.close()
  const damaged = openSqliteEventLog(path)
  const error = await readAll(damaged, 'run/a').catch((thrown: Error & { code?: string }) => thrown)
  expect(error).toMatchObject({ code: 'log-broken', message: expect.stringContaining(where) })
  await damaged.close()
})

test('the database itself refuses to change or remove an entry', async () => {
  const path = await newPath()
  const log = openSqliteEventLog(path)
  await log.append('run/a', 0, [newEntry('one')])
  await log.close()
  const database = new DatabaseSync(path)
  expect(() => database.exec(`UPDATE entries SET type = 'other'`)).toThrow('append-only')
  expect(() => database.exec('DELETE FROM entries')).toThrow('append-only')
  database.close()
})

test('a file that is no database is refused with its path', async () => {
  const path = await newPath()
  writeFileSync(path, 'not a database, but long enough to be looked at as one'.repeat(40))
  expect(() => openSqliteEventLog(path)).toThrow(path)
})

test('two connections that append at the same length cannot both succeed', async () => {
  const path = await newPath()
  const left = openSqliteEventLog(path)
  const right = openSqliteEventLog(path)
  await left.append('run/a', 0, [newEntry('left')])
  expect(await codeOf(right.append('run/a', 0, [newEntry('right')]))).toBe('append-conflict')
  await left.close()
  await right.close()
})
