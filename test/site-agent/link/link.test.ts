/** The link against a real server: joining, the control stream, studies, decisions, transfers. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

let wire: WireFixture
beforeEach(async () => {
  wire = await startWireFixture()
})
afterEach(() => wire.stop())

test('a site joins, attends and is heard', async () => {
  const joined = await wire.joinSite('site-a')
  const link = wire.linkOf(joined)
  const stop = new AbortController()
  const attending = link.attend({
    onUp() {
      link.send({ type: 'work-done', planHash: 'ab'.repeat(32) }, '')
    },
    onDown() {},
    onMessage() {},
    signal: stop.signal,
  })
  await until(wire, () => wire.service.streams[0]?.heard.length === 2)
  expect(wire.service.streams[0]?.heard.map(({ type }) => type)).toEqual(['hello', 'work-done'])
  stop.abort()
  await attending
  expect(await link.studies()).toHaveLength(2)
})
