/** Who waits for a trainer that takes long to start, and what ends its start. */
import { expect, test } from 'vitest'
import type { NamedStudy } from '../../../site-agent/round/assignment.ts'
import { openTrainers, type Trainers } from '../../../site-agent/round/trainers.ts'
import type { Trainer } from '../../../site-agent/train/trainer.ts'

const study = { hash: 'ab'.repeat(32) } as NamedStudy
const never = new AbortController().signal

test('a round that is over no longer waits for the start, and the next one finds it going on', async () => {
  const { trainers, starts } = slowTrainers()
  const over = new AbortController()
  const first = trainers.use(study, over.signal, async () => 'first')
  await starts.asked(1)
  over.abort()
  await expect(first).rejects.toMatchObject({ code: 'cancelled' })
  const second = trainers.use(study, never, async () => 'second')
  starts.finish()
  expect(await second).toBe('second')
  expect(starts.count()).toBe(1)
})

test('a run that is over ends a start that nobody waits for', async () => {
  const { trainers, starts } = slowTrainers()
  const over = new AbortController()
  const work = trainers.use(study, over.signal, async () => undefined)
  await starts.asked(1)
  over.abort()
  await expect(work).rejects.toMatchObject({ code: 'cancelled' })
  await trainers.release(study.hash)
  expect(starts.calledOff()).toBe(true)
})

test('an agent that stops does not wait for a start', async () => {
  const { trainers, starts } = slowTrainers()
  const work = trainers.use(study, never, async () => undefined)
  await starts.asked(1)
  const stopped = trainers.stop()
  await expect(work).rejects.toMatchObject({ name: 'AbortError' })
  await stopped
})

/** Trainers whose start takes until the test finishes it, or until it is called off. */
function slowTrainers(): { trainers: Trainers; starts: ReturnType<typeof startsOf> } {
  const starts = startsOf()
  return { trainers: openTrainers({ start: (_, signal) => starts.start(signal), onRestart: () => undefined }), starts }
}

function startsOf() {
  const signals: AbortSignal[] = []
  const ready = Promise.withResolvers<Trainer>()
  let notice = () => {}
  return {
    start(signal: AbortSignal): Promise<Trainer> {
      signals.push(signal)
      notice()
      const calledOff = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
      return Promise.race([ready.promise, calledOff])
    },
    finish: () => ready.resolve({ stop: async () => undefined } as Trainer),
    count: () => signals.length,
    calledOff: () => signals.every((signal) => signal.aborted),
    asked: (times: number) =>
      new Promise<void>((resolve) => {
        notice = () => {
          if (signals.length >= times) resolve()
        }
        notice()
      }),
  }
}
