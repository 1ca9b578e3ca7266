/** Token buckets by property and by example. */
import { peerBuckets, tokenBucket } from '@consilium/coordinator/grpc/token-bucket.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'

test('over any stretch of time a bucket gives at most its burst and its rate', () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(3000), takes: fc.nat(10) }), { maxLength: 30 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10 }), steps, (burst, perSecond, moves) => {
      const clock = manualClock(new Date(0))
      const bucket = tokenBucket({ burst, perSecond }, clock)
      let given = 0
      for (const { waitMs, takes } of moves) {
        clock.advance(waitMs)
        for (let i = 0; i < takes; i++) given += bucket.take() ? 1 : 0
      }
      expect(given).toBeLessThanOrEqual(burst + (clock.now().getTime() / 1000) * perSecond + 1e-6)
    }),
  )
})

test('a bucket that was left alone is full again', () => {
  const clock = manualClock()
  const bucket = tokenBucket({ burst: 3, perSecond: 1 }, clock)
  expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, true, false])
  clock.advance(3000)
  expect(bucket.isFull()).toBe(true)
})

test('a clock set back gives nothing away', () => {
  let now = new Date(10_000)
  const bucket = tokenBucket({ burst: 1, perSecond: 1 }, { now: () => now, setTimer: () => () => {} })
  expect(bucket.take()).toBe(true)
  now = new Date(0)
  expect(bucket.take()).toBe(false)
})

test('one busy peer leaves the others alone, until all together are too many', () => {
  const clock = manualClock()
  const may = peerBuckets({ burst: 2, perSecond: 1 }, { burst: 4, perSecond: 1 }, clock)
  expect(['a', 'a', 'a', 'b', 'c', 'd'].map(may)).toEqual([true, true, false, true, true, false])
})

test('a flood from many addresses takes bounded memory and stays limited', () => {
  const clock = manualClock()
  const may = peerBuckets({ burst: 1, perSecond: 1 }, { burst: 50, perSecond: 1 }, clock, 10)
  const allowed = Array.from({ length: 1000 }, (_, i) => may(`10.0.0.${i}`)).filter(Boolean)
  expect(allowed).toHaveLength(50)
})
