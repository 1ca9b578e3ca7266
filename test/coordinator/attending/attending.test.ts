/** Control streams: one agent a site, until its certificate ends; each is told once what is due. */
import { describe, expect, test } from 'vitest'
import { openAttending } from '../../../coordinator/attending/attending.ts'
import type { FromSite, SiteStream, ToSite } from '../../../coordinator/services.ts'
import { manualClock } from '../../support/manual-clock.ts'

const startMs = Date.parse('2026-11-22T10:00:00.000Z')

function open() {
  const clock = manualClock(new Date(startMs))
  const changed: string[] = []
  const refused: string[] = []
  const messages: FromSite[] = []
  const attending = openAttending({
    clock,
    onChange: (site) => changed.push(site),
    onMessage: (_stream, message) => messages.push(message),
    onRefused: (site) => refused.push(site),
  })
  let streams = 0
  const stream = (site: string, { expiresInMs = 60_000, earlier = [] as string[] } = {}) => {
    const nonce = String(streams++)
    const sent: ToSite[] = []
    const endings: string[] = []
    const reasons: string[] = []
    let admitted = 0
    const opened: SiteStream = {
      caller: { site, serial: '1', expiresAt: new Date(clock.now().getTime() + expiresInMs) },
      admit() {
        admitted += 1
      },
      send: (message) => sent.push(message),
      end(code, reason) {
        endings.push(code)
        reasons.push(reason)
      },
    }
    const attendance = attending.attend(opened, { type: 'hello', agentVersion: '1', nonce, earlier })
    return { nonce, sent, endings, reasons, attendance, admitted: () => admitted }
  }
  return { clock, changed, refused, messages, attending, stream }
}

const collect = (planHash: string) => ({
  key: `collect:${planHash}`,
  message: { type: 'collect-updates', planHash } as const,
})

test('a site attends from its stream on, and is away from its end on', () => {
  const { attending, stream, clock, messages } = open()
  expect(attending.absentSinceMs('basel')).toBe(startMs)
  const { attendance, admitted } = stream('basel')
  expect([attending.isAttending('basel'), attending.absentSinceMs('basel')]).toEqual([true, undefined])
  expect(attending.attendsSinceMs('basel')).toBe(startMs)
  expect([admitted(), messages.map(({ type }) => type)]).toEqual([1, ['hello']])
  clock.advance(500)
  attendance.closed()
  expect([attending.isAttending('basel'), attending.absentSinceMs('basel')]).toEqual([false, startMs + 500])
  expect(attending.attendsSinceMs('basel')).toBeUndefined()
})

describe('a second stream of a site', () => {
  test('of the same process replaces the first at once, whose end then means nothing', () => {
    const { attending, stream, messages } = open()
    const older = stream('basel')
    const newer = stream('basel', { earlier: ['unheard', older.nonce] })
    expect([older.endings, older.sent, newer.admitted()]).toEqual([['stale-round'], [], 1])
    older.attendance.receive({ type: 'work-done', planHash: 'a' })
    older.attendance.closed()
    expect(messages.map(({ type }) => type)).toEqual(['hello', 'hello'])
    expect(attending.isAttending('basel')).toBe(true)
    newer.attendance.receive({ type: 'work-done', planHash: 'a' })
    expect(messages).toHaveLength(3)
  })

  test('of another agent is refused where the first answers, and is told since when that attends', () => {
    const { attending, stream, messages, refused, clock } = open()
    const first = stream('basel')
    clock.advance(5_000)
    const second = stream('basel')
    expect([first.sent, second.admitted()]).toEqual([[{ type: 'ping' }], 0])
    second.attendance.receive({ type: 'work-done', planHash: 'a' })
    second.attendance.receive({ type: 'pong' })
    expect(second.endings).toEqual([])
    first.attendance.receive({ type: 'pong' })
    expect(second.endings).toEqual(['already-attending'])
    expect(second.reasons[0]).toContain('site basel attends since 2026-11-22T10:00:00.000Z and answers')
    second.attendance.closed()
    expect([first.endings, refused, attending.absentSinceMs('basel')]).toEqual([[], ['basel'], undefined])
    expect(messages.map(({ type }) => type)).toEqual(['hello'])
    clock.advance(20_000)
    expect(first.endings).toEqual([])
    first.attendance.receive({ type: 'work-done', planHash: 'a' })
    expect(messages).toHaveLength(2)
  })

  test('an answer holds for those that dial right after it, and not for long', () => {
    const { stream, clock } = open()
    const first = stream('basel')
    stream('basel')
    first.attendance.receive({ type: 'pong' })
    expect(stream('basel').endings).toEqual(['already-attending'])
    expect(first.sent).toHaveLength(1)
    clock.advance(2_000)
    expect(stream('basel').endings).toEqual([])
    expect(first.sent).toHaveLength(2)
  })

  test('of an agent that was started again comes in when the first does not answer, the newest of several', () => {
    const { stream, clock, refused } = open()
    const first = stream('basel')
    const early = stream('basel')
    const late = stream('basel')
    expect(first.sent).toHaveLength(1)
    clock.advance(19_999)
    expect([first.endings, late.admitted()]).toEqual([[], 0])
    clock.advance(1)
    expect([first.endings, early.admitted(), late.admitted()]).toEqual([['already-attending'], 0, 1])
    expect(late.sent).toEqual([{ type: 'ping' }])
    late.attendance.receive({ type: 'pong' })
    expect([early.endings, late.endings, refused]).toEqual([['already-attending'], [], ['basel']])
  })

  test('comes in as soon as the first is gone, also while that is being asked', () => {
    const { stream, clock, attending } = open()
    const first = stream('basel')
    const second = stream('basel')
    first.attendance.closed()
    expect([second.admitted(), attending.isAttending('basel')]).toEqual([1, true])
    clock.advance(20_000)
    expect(second.endings).toEqual([])
  })

  test('that gives up waiting leaves the first where it is', () => {
    const { stream, clock } = open()
    const first = stream('basel')
    stream('basel').attendance.closed()
    clock.advance(20_000)
    expect(first.endings).toEqual([])
  })

  test('is ended with the first where the site is revoked, and where its certificate expires it comes in', () => {
    const { stream, attending, clock } = open()
    const streams = [stream('basel'), stream('basel')]
    attending.end('basel', 'certificate-revoked', 'stolen')
    expect(streams.map(({ endings }) => endings)).toEqual([['certificate-revoked'], ['certificate-revoked']])
    const old = stream('zurich', { expiresInMs: 1_000 })
    const renewed = stream('zurich')
    clock.advance(1_000)
    expect([old.endings, renewed.admitted()]).toEqual([['certificate-expired'], 1])
  })

  test('is refused unasked where eight wait already', () => {
    const { stream } = open()
    stream('basel')
    const waiting = Array.from({ length: 8 }, () => stream('basel'))
    expect(stream('basel').endings).toEqual(['already-attending'])
    expect(waiting.flatMap(({ endings }) => endings)).toEqual([])
  })

  test('two copies of one running process settle after one change: whoever holds the stream stays', () => {
    const { stream } = open()
    const before = stream('basel')
    const copy = stream('basel', { earlier: [before.nonce] })
    const original = stream('basel', { earlier: [before.nonce] })
    copy.attendance.receive({ type: 'pong' })
    expect([copy.endings, original.endings]).toEqual([[], ['already-attending']])
  })
})

test('a stream ends when its certificate expires', () => {
  const { attending, stream, clock, changed } = open()
  const { endings } = stream('basel', { expiresInMs: 1_000 })
  clock.advance(999)
  expect(endings).toEqual([])
  clock.advance(1)
  expect(endings).toEqual(['certificate-expired'])
  expect(attending.isAttending('basel')).toBe(false)
  expect(changed).toEqual(['basel', 'basel'])
})

test('what is due is sent once on a stream, and all of it again on the next', () => {
  const { attending, stream } = open()
  const first = stream('basel')
  attending.deliver('basel', [collect('a')])
  attending.deliver('basel', [collect('a'), collect('b')])
  expect(first.sent.map((message) => 'planHash' in message && message.planHash)).toEqual(['a', 'b'])
  const second = stream('basel', { earlier: [first.nonce] })
  attending.deliver('basel', [collect('a'), collect('b')])
  expect(second.sent).toHaveLength(2)
  attending.deliver('zurich', [collect('a')])
})

test('pins count on the stream that told them, and until the next roster', () => {
  const { attending, stream, changed } = open()
  const key = Buffer.alloc(32, 7)
  const told = new Map([['zurich', key.toString('base64')]])
  const roster = (version: number) => ({
    key: `roster:${version}`,
    message: { type: 'roster', sites: [{ site: 'zurich', publicKey: key }] } as const,
  })
  attending.pinned('basel', [{ site: 'zurich', publicKey: key }])
  expect(attending.pinsOf('basel')).toBeUndefined()
  const first = stream('basel')
  attending.deliver('basel', [roster(1)])
  expect(attending.pinsOf('basel')).toBeUndefined()
  attending.pinned('basel', [{ site: 'zurich', publicKey: key }])
  attending.deliver('basel', [roster(1), collect('a')])
  expect(attending.pinsOf('basel')).toEqual(told)
  expect(changed).toEqual(['basel', 'basel'])
  attending.deliver('basel', [roster(2), collect('a')])
  expect(attending.pinsOf('basel')).toBeUndefined()
  attending.pinned('basel', [])
  expect(attending.pinsOf('basel')).toEqual(new Map())
  first.attendance.closed()
  stream('basel')
  expect(attending.pinsOf('basel')).toBeUndefined()
})

test('stopping ends every stream and leaves no timer', () => {
  const { attending, stream, clock } = open()
  const streams = [stream('basel'), stream('basel'), stream('zurich')]
  attending.stop()
  expect(streams.flatMap(({ endings }) => endings)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  expect(clock.pendingMs()).toEqual([])
})
