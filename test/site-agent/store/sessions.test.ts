/** The store of secure sessions: flags that only grow, one upload and one set of survivors, erasure. */
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { placesMax } from '../../../site-agent/store/erasable-keys.ts'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'
import { copiedStore } from '../../support/copied-store.ts'

let state: string
let store: SiteStore
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'consilium-sessions-'))
  store = openSiteStore(state)
})
afterEach(() => {
  store.close()
  rmSync(state, { recursive: true, force: true })
})

const [one, other] = ['1'.repeat(64), '2'.repeat(64)]
const session = { planHash: one, run: 'heart-1', round: 1, purpose: 'train', model: 'a'.repeat(64) } as const
const begin = (begun: Parameters<SiteStore['sessions']['advertise']>[0], state: Uint8Array) =>
  store.sessions.advertise(begun, store.sessionLedger.next(begun.planHash), state)
const sealed = (text: string) => Buffer.from(`${text} `.repeat(40))

test('a session goes from state to state, and keeps what it was last sealed with', () => {
  const { sessions } = store
  const states = () => [sessions.find(one)?.state, Buffer.from(sessions.sealed(one)!).toString().split(' ')[0]]
  begin(session, sealed('first'))
  expect(states()).toEqual(['advertised', 'first'])
  sessions.share(one, 'b'.repeat(64), sealed('second'))
  expect(states()).toEqual(['shared', 'second'])
  sessions.commit(one, 'c'.repeat(64), sealed('third'))
  expect(states()).toEqual(['committed', 'third'])
  sessions.confirm(one, 'd'.repeat(64), ['basel', 'mercy'], sealed('fourth'))
  expect(states()).toEqual(['confirmed', 'fourth'])
  sessions.release(one, sealed('fifth'))
  store.close()
  store = openSiteStore(state)
  expect(store.sessions.find(one)).toEqual({
    ...session,
    state: 'released',
    sid: 'b'.repeat(64),
    u2Hash: 'c'.repeat(64),
    u3Hash: 'd'.repeat(64),
    survivors: ['basel', 'mercy'],
  })
})

test('other sharers, or another plan for the same model and round, are never committed to', () => {
  const { sessions } = store
  begin(session, sealed('first'))
  sessions.commit(one, 'c'.repeat(64), sealed('second'))
  sessions.commit(one, 'c'.repeat(64), sealed('third'))
  const refused = expect.objectContaining({ code: 'already-uploaded' })
  expect(() => sessions.commit(one, 'e'.repeat(64), sealed('fourth'))).toThrow(refused)
  begin({ ...session, planHash: other }, sealed('other'))
  expect(() => sessions.commit(other, 'c'.repeat(64), sealed('other'))).toThrow(refused)
  expect(sessions.find(other)?.state).toBe('advertised')
  expect(Buffer.from(sessions.sealed(one)!).toString()).toContain('third')
})

test('other survivors are never confirmed', () => {
  const { sessions } = store
  begin(session, sealed('first'))
  sessions.confirm(one, 'd'.repeat(64), ['basel'], sealed('second'))
  expect(() => sessions.confirm(one, 'e'.repeat(64), ['basel'], sealed('third'))).toThrow(
    expect.objectContaining({ code: 'survivors-conflict' }),
  )
  expect(sessions.confirmed(session.model, 'train')).toMatchObject([{ planHash: one, survivors: ['basel'] }])
  expect(sessions.confirmed(session.model, 'evaluate')).toEqual([])
})

/** What begins the state that a copy of the database gives with the keys of now. */
const opensNow = (copy: ReturnType<typeof copiedStore>, planHash: string) => {
  const text = copy.sealed(planHash)
  return text && Buffer.from(text).toString().split(' ')[0]
}

test('what is erased opens nowhere any more, whatever copy of the database there is, and what the site did stays', () => {
  const { sessions } = store
  begin(session, sealed('first'))
  using early = copiedStore({ state })
  sessions.share(one, 'f'.repeat(64), sealed('second'))
  begin({ ...session, planHash: other, round: 2 }, sealed('kept'))
  using late = copiedStore({ state })
  expect([opensNow(early, one), opensNow(late, one), opensNow(late, other)]).toEqual(['first', 'second', 'kept'])
  sessions.keepOnly(new Set([other]))
  expect([opensNow(early, one), opensNow(late, one), opensNow(late, other)]).toEqual([undefined, undefined, 'kept'])
  expect([sessions.sealed(one), sessions.find(one)?.state]).toEqual([undefined, 'shared'])
})

test('what a signature erases opens nowhere any more, at once, also beside a reader that holds the log', () => {
  const { sessions } = store
  begin(session, sealed('unsigned'))
  using before = copiedStore({ state })
  using reader = openReader()
  sessions.reseal(one, sealed('signed'))
  expect(opensNow(before, one)).toBeUndefined()
  expect(Buffer.from(sessions.sealed(one)!).toString()).toMatch(/^signed /)
  expect(reader.isOpen).toBe(true)
})

test('another attempt erases the one before', () => {
  const { sessions } = store
  begin(session, sealed('first'))
  using before = copiedStore({ state })
  begin({ ...session, planHash: other, attempt: 2 }, sealed('second'))
  expect(opensNow(before, one)).toBeUndefined()
  expect([sessions.sealed(one), sessions.find(one)?.state]).toEqual([undefined, 'abandoned'])
  expect(Buffer.from(sessions.sealed(other)!).toString()).toMatch(/^second /)
})

test('what a kill left between the change and the erasure is erased as the agent starts', () => {
  begin(session, sealed('unsigned'))
  using before = copiedStore({ state })
  // The change is on the disk, the key is still there.
  const keys = readFileSync(join(state, 'session-keys'))
  store.sessions.reseal(one, sealed('signed'))
  writeFileSync(join(state, 'session-keys'), keys)
  expect(opensNow(before, one)).toBe('unsigned')
  store.close()
  store = openSiteStore(state)
  expect(opensNow(before, one)).toBe('unsigned')
  store.sessions.keepOnly(new Set([one]))
  expect(opensNow(before, one)).toBeUndefined()
  expect(Buffer.from(store.sessions.sealed(one)!).toString()).toMatch(/^signed /)
})

test.for([
  { what: 'no key is written anew for a session in which no secret is left', spent: true },
  { what: 'control: for one with secrets it is', spent: false },
])('$what', ({ spent }) => {
  const { sessions } = store
  begin(session, sealed('unsigned'))
  sessions.reseal(one, sealed('signed'), { spent })
  const keys = readFileSync(join(state, 'session-keys'))
  sessions.keepOnly(new Set())
  expect(sessions.sealed(one)).toBeUndefined()
  expect(readFileSync(join(state, 'session-keys')).equals(keys)).toBe(spent)
})

test('a change that fails erases nothing, and the next one goes on with what was there', () => {
  const { sessions } = store
  begin(session, sealed('unsigned'))
  sessions.keepOnly(new Set([one]))
  const database = new DatabaseSync(join(state, 'agent.sqlite'))
  database.exec(`CREATE TRIGGER full BEFORE INSERT ON session_secrets BEGIN SELECT raise(ABORT, 'disk full'); END`)
  expect(() => sessions.reseal(one, sealed('signed'))).toThrow(/disk full/)
  database.exec('DROP TRIGGER full')
  database.close()
  begin({ ...session, planHash: other, round: 2, attempt: 2 }, sealed('second'))
  sessions.keepOnly(new Set([one, other]))
  expect(Buffer.from(sessions.sealed(one)!).toString()).toMatch(/^unsigned /)
})

test('keys that are lost or cut short close what they sealed, and the next session has new ones', () => {
  const { sessions } = store
  begin(session, sealed('first'))
  truncateSync(join(state, 'session-keys'), 100)
  expect([sessions.sealed(one), sessions.find(one)?.state]).toEqual([undefined, 'advertised'])
  begin({ ...session, planHash: other, round: 2 }, sealed('second'))
  expect(sessions.sealed(one)).toBeUndefined()
  expect(Buffer.from(sessions.sealed(other)!).toString()).toMatch(/^second /)
  expect(statSync(join(state, 'session-keys')).mode & 0o777).toBe(0o600)
})

test('more open sessions than there are keys are refused', () => {
  const plan = (n: number) => n.toString(16).padStart(64, '0')
  for (let n = 0; n < placesMax; n++) begin({ ...session, planHash: plan(n), round: n }, sealed('one'))
  const further = { ...session, planHash: plan(placesMax), round: placesMax }
  expect(() => begin(further, sealed('one'))).toThrow(expect.objectContaining({ code: 'limit-exceeded' }))
  store.sessions.keepOnly(new Set([plan(3)]))
  begin(further, sealed('one'))
})

/** Another process that reads the store. */
function openReader() {
  const database = new DatabaseSync(join(state, 'agent.sqlite'))
  database.exec('BEGIN')
  database.prepare('SELECT * FROM sessions').all()
  return {
    get isOpen() {
      return database.isOpen
    },
    [Symbol.dispose]: () => database.close(),
  }
}
