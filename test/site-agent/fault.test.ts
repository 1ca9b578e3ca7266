/** Every error tells its cause at the site: code, system call, path, next step; of anything else only where it happened. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { FederationError } from '@consilium/protos/errors.ts'
import { expect, test } from 'vitest'
import { faultOf } from '../../site-agent/fault.ts'
import { openJoined } from '../../site-agent/link/identity-files.ts'
import { joinedSite } from '../support/joined-site.ts'
import { openSite } from '../support/site-fixture.ts'

function thrownBy(body: () => unknown): unknown {
  try {
    body()
  } catch (error) {
    return error
  }
  return undefined
}

test('an error of the system tells code, call, path and what to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-fault-'))
  const file = join(folder, 'a')
  writeFileSync(file, 'x')
  const cases = [
    [() => readFileSync(folder), /^EISDIR in read/],
    [() => readFileSync(join(folder, 'gone')), /^ENOENT in open of .*gone: put back/],
    [() => writeFileSync(join(file, 'b'), 'x'), /^ENOTDIR in open of .*b: put back/],
  ] as const
  for (const [body, message] of cases)
    expect(faultOf(thrownBy(body))).toMatchObject({ code: 'store-failed', message: expect.stringMatching(message) })
  rmSync(folder, { recursive: true })
})

test.skipIf(process.platform !== 'linux')('a full disk is told as that', () => {
  const error = thrownBy(() => writeFileSync('/dev/full', 'x'))
  expect(faultOf(error)).toMatchObject({
    code: 'store-failed',
    message: expect.stringMatching(/^ENOSPC in write.*: make room on that disk; .*next round/),
  })
})

test('a database that is full, or may not be written, is told as that', () => {
  const database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE t (x); PRAGMA max_page_count = 2')
  const full = thrownBy(() => database.prepare('INSERT INTO t VALUES (zeroblob(1000000))').run())
  expect(faultOf(full)).toMatchObject({ code: 'store-failed', message: expect.stringMatching(/full: make room/) })
  database.exec('PRAGMA query_only = 1')
  const readOnly = thrownBy(() => database.exec('DELETE FROM t'))
  expect(faultOf(readOnly)).toMatchObject({
    code: 'store-failed',
    message: expect.stringMatching(/readonly|read-only/),
  })
  database.close()
})

test('of an error that is nobody’s, its name and place are told and its text is not', () => {
  const { message } = faultOf(new TypeError('row 17: Smith, 67'))
  expect(message).toMatch(/unexpected TypeError/)
  expect(message).not.toContain('Smith')
  expect(faultOf('Smith').message).not.toContain('Smith')
  const ours = new FederationError('data-empty', 'no row')
  expect(faultOf(ours)).toBe(ours)
})

test('a key that cannot be read is no damage: nobody is told to remove the folder and join again', async () => {
  const { state } = await joinedSite('boston')
  const key = join(state, 'keys', 'identity-key.pem')
  rmSync(key)
  mkdirSync(key)
  const error = thrownBy(() => openJoined(state)) as FederationError
  expect(error.message).toMatch(/EISDIR in read/)
  expect(error.message).not.toMatch(/join again/)
})

test('a site that cannot write down why it refuses tells the coordinator all the same', async () => {
  const site = openSite()
  const { records } = site.store
  records.refused = () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  }
  site.trainer.dataProblem = new FederationError('data-unreadable', 'heart.csv is gone')
  const { hash, signed } = site.plan({ purpose: 'evaluate' })
  site.coordinator.say({ type: 'assignment', plan: signed })
  const refusal = await site.coordinator.until(() => site.coordinator.sent.find(({ type }) => type === 'refusal'))
  expect(refusal).toMatchObject({ planHash: hash, code: 'site-fault' })
  const told = site.events.flatMap((event) => (event.type === 'trouble' ? [event.reason] : []))
  expect(told).toEqual([expect.stringMatching(/^ENOSPC in write: make room/)])
  await site.close()
})
