/** One agent a site, over real gRPC: a copy is refused and does not storm, a restart and a broken line come back. */
import { openAttending } from '@consilium/coordinator/attending/attending.ts'
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { JoinedSite } from '@consilium/site-agent/link/identity-files.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { startRelay } from '../../support/relay.ts'
import { memoryLedger, startWireFixture, type WireFixture } from '../../support/wire-fixture.ts'

let wire: WireFixture
let coordinatorClock: ManualClock
let joined: JoinedSite
let hellos = 0
let refused = 0
beforeEach(async () => {
  wire = await startWireFixture()
  coordinatorClock = manualClock()
  hellos = 0
  refused = 0
  const attending = openAttending({
    clock: coordinatorClock,
    onChange: () => {},
    onMessage: () => {},
    onRefused: () => refused++,
  })
  wire.service.attend = (stream, hello) => {
    hellos += 1
    return attending.attend(stream, hello)
  }
  joined = await wire.joinSite('site-a')
})
afterEach(() => wire.stop())

type Agent = ReturnType<typeof agentOf>

/** An agent as far as its link goes, with what happened to it. */
function agentOf(site: JoinedSite, clock: ManualClock = manualClock()) {
  const ledger = memoryLedger()
  const happened: (ErrorCode | 'up')[] = []
  const reasons: string[] = []
  const stopping = new AbortController()
  let tell = () => {}
  const link = wire.linkOf(site, ledger, clock)
  const note = (what: ErrorCode | 'up') => {
    happened.push(what)
    tell()
  }
  const attending = link.attend({
    onUp: () => note('up'),
    onDown(reason, code) {
      reasons.push(reason)
      note(code ?? 'link-down')
    },
    onMessage: () => {},
    signal: stopping.signal,
  })
  return {
    happened,
    reasons,
    pongs: () => ledger.records.filter(({ kind }) => kind === 'pong').length,
    async until(count: number) {
      while (happened.length < count)
        await new Promise<void>((resolve) => {
          tell = resolve
        })
    },
    async stop() {
      stopping.abort()
      await attending
      await link.close()
    },
  }
}

test('a copy of a site is refused by name and cause and tries again within a minute; the first agent hears nothing of it', async () => {
  const first = agentOf(joined)
  await first.until(1)
  const clock = manualClock()
  const copy = agentOf(joined, clock)
  const delaysMs: number[] = []
  for (let attempts = 1; attempts <= 6; attempts++) {
    await copy.until(attempts)
    coordinatorClock.advance(2_000)
    await waiting(clock)
    const delayMs = clock.pendingMs()[0]!
    delaysMs.push(delayMs)
    if (attempts < 6) clock.advance(delayMs)
  }
  // The jitter of this fixture halves every delay.
  expect(delaysMs).toEqual([2_500, 5_000, 10_000, 20_000, 30_000, 30_000])
  expect(copy.happened).toEqual(Array(6).fill('already-attending'))
  expect(copy.reasons[0]).toContain('another agent with the identity of site site-a attends since')
  expect(copy.reasons[0]).toContain('have the operator revoke the site')
  expect([first.happened, first.pongs(), hellos, refused]).toEqual([['up'], 6, 7, 6])

  await first.stop()
  clock.advance(30_000)
  await copy.until(7)
  expect(copy.happened.at(-1)).toBe('up')
  await copy.stop()
})

test('an agent that was started again comes in at once, on a live line', async () => {
  const first = agentOf(joined)
  await first.until(1)
  await first.stop()
  const again = agentOf(joined)
  await again.until(1)
  expect([again.happened, refused]).toEqual([['up'], 0])
  await again.stop()
})

test('a process whose line died unnoticed is back in with its first dial, and nobody is asked', async () => {
  const relay = await startRelay(wire.server.port)
  const clock = manualClock()
  const agent = agentOf({ ...joined, address: `127.0.0.1:${relay.port}` }, clock)
  for (let times = 1; times <= 3; times++) {
    await agent.until(2 * times - 1)
    relay.dropClients()
    await agent.until(2 * times)
    await waiting(clock)
    clock.advance(5_000)
  }
  await agent.until(7)
  expect(agent.happened).toEqual(['up', 'link-down', 'up', 'link-down', 'up', 'link-down', 'up'])
  expect([hellos, agent.pongs()]).toEqual([4, 0])
  await agent.stop()
  await relay.close()
})

test('an agent started again after a power cut comes in once the dead line has not answered', async () => {
  const relay = await startRelay(wire.server.port)
  const before = agentOf({ ...joined, address: `127.0.0.1:${relay.port}` })
  await before.until(1)
  relay.dropClients()
  await before.stop()
  const again: Agent = agentOf(joined)
  while (hellos < 2) await new Promise(setImmediate)
  expect(again.happened).toEqual([])
  coordinatorClock.advance(20_000)
  await again.until(1)
  expect(again.happened).toEqual(['up'])
  await again.stop()
  await relay.close()
})

/** Until the link waits to dial again. */
async function waiting(clock: ManualClock): Promise<void> {
  while (clock.pendingMs().length === 0) await new Promise(setImmediate)
}
