import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'

let state: string
let store: SiteStore
let at = 0
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'consilium-roster-'))
  at = 0
  store = open()
})
afterEach(() => {
  store.close()
  rmSync(state, { recursive: true, force: true })
})

const open = () => openSiteStore(state, () => new Date(Date.UTC(2026, 10, 22, 10, 0, at++)))
const key = () => Buffer.from(generateIdentity().publicKey)
const person = { by: 'person', account: 'ada' } as const
const policy = { by: 'policy', account: '' } as const

test('a key is pinned with who approved it and when, and outlives the agent', () => {
  const publicKey = key()
  store.roster.pin({ site: 'basel', publicKey }, person)
  store.close()
  store = open()
  expect(Buffer.from(store.roster.pinned('basel')!)).toEqual(publicKey)
  expect(store.roster.pins()).toMatchObject([
    { site: 'basel', by: 'person', account: 'ada', at: '2026-11-22T10:00:00.000Z' },
  ])
  expect(store.roster.pinned('zurich')).toBeUndefined()
})

test('the newest decision on a site holds, and a removal is one', () => {
  const newer = key()
  store.roster.pin({ site: 'basel', publicKey: key() }, policy)
  store.roster.pin({ site: 'basel', publicKey: newer }, person)
  expect(Buffer.from(store.roster.pinned('basel')!)).toEqual(newer)
  store.roster.unpin('basel', person)
  expect(store.roster.pinned('basel')).toBeUndefined()
  expect(store.roster.pins()).toEqual([])
  store.roster.pin({ site: 'basel', publicKey: newer }, policy)
  expect(store.roster.pins()).toMatchObject([{ site: 'basel', by: 'policy' }])
})

test('every decision on a key stays in the database', () => {
  store.roster.pin({ site: 'basel', publicKey: key() }, person)
  store.roster.unpin('basel', person)
  store.close()
  const database = new DatabaseSync(join(state, 'agent.sqlite'))
  expect(database.prepare('SELECT account FROM roster_pins').all()).toHaveLength(2)
  database.close()
  store = open()
})

test('an offer pins nothing', () => {
  store.roster.offered([{ site: 'basel', publicKey: key() }])
  expect(store.roster.pinned('basel')).toBeUndefined()
  expect(store.roster.offers()).toMatchObject([{ site: 'basel' }])
})

test('an offer replaces the one before as a whole, and what is new in it is told', () => {
  const basel = { site: 'basel', publicKey: key() }
  const zurich = { site: 'zurich', publicKey: key() }
  expect(store.roster.offered([basel, zurich])).toEqual([basel, zurich])
  expect(store.roster.offered([basel, zurich])).toEqual([])
  const changed = { site: 'basel', publicKey: key() }
  expect(store.roster.offered([changed])).toEqual([changed])
  expect(store.roster.offers().map(({ site }) => site)).toEqual(['basel'])
})

test('the command line and the agent see the same roster at the same time', () => {
  const beside = open()
  const publicKey = key()
  beside.roster.pin({ site: 'basel', publicKey }, person)
  expect(Buffer.from(store.roster.pinned('basel')!)).toEqual(publicKey)
  beside.close()
})
