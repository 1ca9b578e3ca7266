/** The bench of secure aggregation, small: what it plays is a round that adds up, and its figures are of that. */
import { expect, test } from 'vitest'
import { measureMemory } from '../../scripts/bench/secagg-memory.ts'
import { playRound } from '../../scripts/bench/secagg-round.ts'
import { measureTransport } from '../../scripts/bench/secagg-transport.ts'

test.for([
  { sites: 4, parameters: 1000, dropouts: 0 },
  { sites: 4, parameters: 1000, dropouts: 1 },
  { sites: 7, parameters: 300_000, dropouts: 2 },
])('a round of $sites sites with $dropouts dropouts adds up, and costs both ends something', (round) => {
  const { keys, site, coordinator } = playRound(round)
  for (const seconds of [keys, site, coordinator]) expect(seconds).toBeGreaterThan(0)
})

test('a round that loses more sites than its threshold allows cannot be played', () => {
  expect(() => playRound({ sites: 4, parameters: 1000, dropouts: 2 })).toThrow()
})

test('an upload takes 4 bytes a parameter on the wire, and 2 % at most besides', async () => {
  const parameters = 500_000
  const { seconds, wireBytes } = await measureTransport(2, parameters)
  expect(seconds).toBeGreaterThan(0)
  expect(wireBytes).toBeGreaterThan(4 * parameters)
  expect(wireBytes).toBeLessThan(1.02 * 4 * parameters)
})

test('the process that adds uploads says how much memory it had', async () => {
  const { residentBytesMax } = await measureMemory(3, 100_000)
  expect(residentBytesMax).toBeGreaterThan(20e6)
  expect(residentBytesMax).toBeLessThan(400e6)
})
