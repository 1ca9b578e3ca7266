import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isLocked, lockState } from '../../../site-agent/store/lock.ts'
import { openSiteStore } from '../../../site-agent/store/site-store.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'consilium-store-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

test('two agents never run on one state folder', () => {
  const lock = lockState(state)
  expect(isLocked(state)).toBe(true)
  expect(() => lockState(state)).toThrow(expect.objectContaining({ code: 'already-exists' }))
  lock.release()
  expect(isLocked(state)).toBe(false)
  lockState(state).release()
})

test('a store of a later version is left alone', () => {
  openSiteStore(state).close()
  const database = new DatabaseSync(join(state, 'agent.sqlite'))
  database.exec('PRAGMA user_version = 99')
  database.close()
  expect(() => openSiteStore(state)).toThrow(/later version/)
})

test('a file that is no database is an error that names it', () => {
  writeFileSync(join(state, 'agent.sqlite'), 'x'.repeat(5000))
  expect(() => openSiteStore(state)).toThrow(
    expect.objectContaining({ code: 'store-failed', message: expect.stringContaining('agent.sqlite') }),
  )
})

test('the newest decision on a study holds, and none is forgotten', () => {
  const store = openSiteStore(state)
  const decision = { study: 'a'.repeat(64), lead: 'SHA256:x', by: 'person', account: 'it', reason: '' } as const
  store.studies.decide({ ...decision, decision: 'approved' })
  store.studies.decide({ ...decision, decision: 'rejected', reason: 'the ethics board asked' })
  store.close()
  const again = openSiteStore(state)
  expect(again.studies.decisionOn('a'.repeat(64))).toMatchObject({ decision: 'rejected' })
  expect(again.studies.decisions('a'.repeat(64)).map((it) => it.decision)).toEqual(['approved', 'rejected'])
  again.close()
})

test('a policy decides only where nobody has decided for the same lead', () => {
  const store = openSiteStore(state)
  const policy = { study: 'a'.repeat(64), decision: 'approved', by: 'policy', account: '', reason: '' } as const
  store.studies.decide({ ...policy, lead: 'SHA256:x', decision: 'rejected', by: 'person', account: 'it' })
  expect(store.studies.decideFirst({ ...policy, lead: 'SHA256:x' })).toMatchObject({ decision: 'rejected' })
  expect(store.studies.decideFirst({ ...policy, lead: 'SHA256:y' })).toMatchObject({ decision: 'approved' })
  expect(store.studies.decisions('a'.repeat(64))).toHaveLength(2)
  store.close()
})

test('the folders keep what is named and drop the rest, unfinished downloads too', () => {
  const { objects, outbox, close } = openSiteStore(state)
  const kept = Buffer.from('kept')
  writeFileSync(objects.path(sha256Hex(kept)), kept)
  writeFileSync(objects.path('b'.repeat(64)), 'gone')
  writeFileSync(`${objects.path('c'.repeat(64))}.partial`, 'gone')
  objects.keepOnly(new Set([sha256Hex(kept)]))
  expect(readdirSync(join(state, 'objects'))).toEqual([sha256Hex(kept)])
  outbox.put('d'.repeat(64), kept)
  outbox.put('e'.repeat(64), kept)
  const words = [outbox.wordsPath('d'.repeat(64)), outbox.wordsPath('f'.repeat(64))] as const
  for (const path of words) writeFileSync(path, kept)
  outbox.keepOnly(new Set(['e'.repeat(64)]), ['d'.repeat(64)])
  expect([outbox.isReady('d'.repeat(64)), outbox.has('e'.repeat(64))]).toEqual([false, true])
  expect(words.map((path) => existsSync(path))).toEqual([true, false])
  close()
})
