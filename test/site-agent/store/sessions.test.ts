/** The store of secure sessions: flags that only grow, one upload and one set of survivors, erasure. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'

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

test('what is erased is in no file any more, and what the site did stays', () => {
  const { sessions } = store
  const bytes = () =>
    ['', '-wal']
      .map((suffix) => readFileSync(join(state, `agent.sqlite${suffix}`)))
      .map(String)
      .join()
  begin(session, sealed('unspeakable'))
  sessions.share(one, 'f'.repeat(64), sealed('unutterable'))
  begin({ ...session, planHash: other, round: 2 }, sealed('kept'))
  expect(bytes()).toMatch(/unspeakable/)
  sessions.keepOnly(new Set([other]))
  expect(bytes()).not.toMatch(/unspeakable|unutterable/)
  expect(bytes()).toMatch(/kept/)
  expect([sessions.sealed(one), sessions.find(one)?.state]).toEqual([undefined, 'shared'])
})

test('what a signature erases is in no file any more, at once', () => {
  const { sessions } = store
  const bytes = () => ['', '-wal'].map((suffix) => String(readFileSync(join(state, `agent.sqlite${suffix}`)))).join()
  begin(session, sealed('unspeakable'))
  expect(bytes()).toMatch(/unspeakable/)
  sessions.reseal(one, sealed('signed'))
  expect(bytes()).not.toMatch(/unspeakable/)
  expect(Buffer.from(sessions.sealed(one)!).toString()).toMatch(/^signed /)
})

test.for([
  { what: 'nothing is emptied again for a session in which no secret is left', spent: true },
  { what: 'control: for one with secrets it is', spent: false },
])('$what', ({ spent }) => {
  const { sessions } = store
  const log = () => String(readFileSync(join(state, 'agent.sqlite-wal')))
  begin(session, sealed('unspeakable'))
  sessions.reseal(one, sealed('signed'), { spent })
  expect(log()).toBe('')
  sessions.keepOnly(new Set())
  expect(sessions.sealed(one)).toBeUndefined()
  expect(log() === '').toBe(!spent)
  expect(log()).not.toMatch(/unspeakable/)
  begin({ ...session, planHash: other, round: 2 }, sealed('unutterable'))
  sessions.keepOnly(new Set())
  expect(log()).toBe('')
})
