/**
 * A hospital's line is down for five minutes in the middle of its work, over real gRPC. What should happen: it works on,
 * tells what it did once it is back, and is in the sum. What should not: the round goes on without it because it was away.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type RunningAgent, startAgent } from '@consilium/site-agent/main.ts'
import type { AgentEvent } from '@consilium/site-agent/round/events.ts'
import type { StartTrainer } from '@consilium/site-agent/train/trainer.ts'
import { expect, test } from 'vitest'
import { hostileFederation, siteNames } from '../support/hostile/federation.ts'
import { madeUpTrainer } from '../support/made-up-trainer.ts'
import { manualClock } from '../support/manual-clock.ts'
import { startRelay } from '../support/relay.ts'

test('a site that a relay cuts off for five minutes of its work is among the survivors', async () => {
  await using federation = await hostileFederation()
  const { admin } = federation
  const { state } = federation.joined.get('zurich')!
  await federation.agents.get('zurich')!.running.stop()

  let isDown = false
  const relay = await startRelay(federation.port, {
    cut: () => (isDown ? { direction: 'toServer', afterBytes: 0 } : undefined),
  })
  const enrolment = join(state, 'joined.json')
  const address = `127.0.0.1:${relay.port}`
  writeFileSync(enrolment, JSON.stringify({ ...JSON.parse(readFileSync(enrolment, 'utf8')), address }))
  const clock = manualClock()
  const trainer = heldTrainer()
  const events: AgentEvent[] = []
  const waiting = new Set<() => void>()
  const agent: RunningAgent = await startAgent({
    site: join(state, '..'),
    state,
    clock,
    startTrainer: trainer.start,
    onEvent(event) {
      events.push(event)
      for (const look of [...waiting]) look()
    },
  })
  const event = (type: AgentEvent['type'], count = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (events.filter((one) => one.type === type).length < count) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  const isAttending = async () => (await admin.listSites()).find(({ name }) => name === 'zurich')!.attending
  await event('link-up')

  const run = await federation.start()
  await trainer.isWorking
  isDown = true
  relay.cutAll()
  await event('link-down')
  while (await isAttending()) await new Promise(setImmediate)
  const present = async () => (await admin.showRun(run)).current
  while ((await present())!.sites.filter(({ state }) => state === 'done').length < 3) await new Promise(setImmediate)
  for (let minute = 0; minute < 5; minute++) federation.pass(60_000)
  const { phase, sites } = (await present())!
  expect(phase).toBe('work')
  expect(sites.filter(({ awaySince }) => awaySince).map(({ site, state }) => [site, state])).toEqual([
    ['zurich', 'working'],
  ])

  trainer.goOn()
  await event('work-done')
  isDown = false
  clock.advance(5_000)
  await event('link-up', 2)
  const view = await federation.ended(run)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.rounds).toMatchObject([{ survivors: siteNames, dropouts: [] }])
  await agent.stop()
  await relay.close()
})

/** Stands still in the middle of its training until it is told to go on. */
function heldTrainer() {
  const working = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const made = madeUpTrainer(3)
  const start: StartTrainer = async (options) => {
    const trainer = await made.start(options)
    return {
      ...trainer,
      async train(request) {
        request.onProgress(1, 4)
        working.resolve()
        await held.promise
        request.onProgress(3, 4)
        return trainer.train(request)
      },
    }
  }
  return { start, isWorking: working.promise, goOn: held.resolve }
}
