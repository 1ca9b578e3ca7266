/** Control streams: one a site, the newest, until its certificate ends; each is told once what is due. */
import { expect, test } from 'vitest'
import { openAttending } from '../../../coordinator/running/attending.ts'
import type { FromSite, SiteStream, ToSite } from '../../../coordinator/services.ts'
import { manualClock } from '../../support/manual-clock.ts'

const startMs = Date.parse('2026-11-22T10:00:00.000Z')

function open() {
  const clock = manualClock(new Date(startMs))
  const changed: string[] = []
  const messages: FromSite[] = []
  const attending = openAttending({
    clock,
    onChange: (site) => changed.push(site),
    onMessage: (_stream, message) => messages.push(message),
  })
  const stream = (site: string, expiresInMs = 60_000) => {
    const sent: ToSite[] = []
    const endings: string[] = []
    const opened: SiteStream = {
      caller: { site, serial: '1', expiresAt: new Date(clock.now().getTime() + expiresInMs) },
      send: (message) => sent.push(message),
      end: (code) => endings.push(code),
    }
    return { sent, endings, attendance: attending.attend(opened) }
  }
  return { clock, changed, messages, attending, stream }
}

const collect = (planHash: string) => ({
  key: `collect:${planHash}`,
  message: { type: 'collect-updates', planHash } as const,
})

test('a site attends from its stream on, and is away from its end on', () => {
  const { attending, stream, clock } = open()
  expect(attending.absentSinceMs('basel')).toBe(startMs)
  const { attendance } = stream('basel')
  expect([attending.isAttending('basel'), attending.absentSinceMs('basel')]).toEqual([true, undefined])
  clock.advance(500)
  attendance.closed()
  expect([attending.isAttending('basel'), attending.absentSinceMs('basel')]).toEqual([false, startMs + 500])
})

test('a newer stream of a site replaces the older, whose end then means nothing', () => {
  const { attending, stream, messages } = open()
  const older = stream('basel')
  const newer = stream('basel')
  expect(older.endings).toEqual(['stale-round'])
  older.attendance.receive({ type: 'hello', agentVersion: '1' })
  older.attendance.closed()
  expect(messages).toEqual([])
  expect(attending.isAttending('basel')).toBe(true)
  newer.attendance.receive({ type: 'hello', agentVersion: '1' })
  expect(messages).toHaveLength(1)
})

test('a stream ends when its certificate expires', () => {
  const { attending, stream, clock, changed } = open()
  const { endings } = stream('basel', 1_000)
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
  const second = stream('basel')
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
  const streams = [stream('basel'), stream('zurich')]
  attending.stop()
  expect(streams.flatMap(({ endings }) => endings)).toEqual(['cancelled', 'cancelled'])
  expect(clock.pendingMs()).toEqual([])
})
