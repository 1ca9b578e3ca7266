/** A training in progress on the disk: read as it was written, by this site and for this plan alone, and a hint, no more. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Assignment } from '../../../site-agent/round/assignment.ts'
import { checkpointKeeper } from '../../../site-agent/round/checkpoint.ts'
import type { TrainCheckpoint } from '../../../site-agent/train/trainer.ts'
import { openSite, type SiteFixture } from '../../support/site-fixture.ts'

let fixture: SiteFixture
let assignment: Assignment
let path: string
beforeEach(() => {
  fixture = openSite()
  const { plan, hash: planHash } = fixture.plan()
  assignment = { planHash, plan, study: { hash: plan.study, manifest: fixture.study.manifest } }
  path = fixture.store.outbox.checkpointPath(planHash)
})
afterEach(() => fixture.close())

const keeper = (changes: Partial<SiteFixture['site']> = {}, of = assignment) =>
  checkpointKeeper(of, { ...fixture.site, ...changes })

const checkpoint = (parameters: number, optimizerState: number): TrainCheckpoint => ({
  steps: 12,
  lossSum: 0.1 + 0.2,
  parameters: Float32Array.from({ length: parameters }, (_, i) => Math.sin(i)),
  optimizerState: Float32Array.from({ length: optimizerState }, (_, i) => Math.cos(i)),
  data: 'ab'.repeat(32),
})
const failures = () => fixture.events.filter(({ type }) => type === 'checkpoint-failed')

test.for([
  [3, 0],
  [3, 6],
  [262_144, 0],
  [300_000, 600_000],
])('%i parameters with %i numbers of optimizer state are read as they were kept', async ([parameters, state]) => {
  const kept = checkpoint(parameters!, state!)
  await keeper().keep({ ...kept, steps: 11 })
  await keeper().keep(kept)
  expect(keeper().read()).toEqual(kept)
  expect(failures()).toEqual([])
  const bytes = readFileSync(path)
  for (const part of [kept.parameters, kept.optimizerState])
    if (part.length > 0) expect(bytes.includes(Buffer.from(part.buffer, part.byteOffset, 12))).toBe(false)
})

test('nothing kept is nothing read, and nothing to tell', () => {
  expect(keeper().read()).toBeUndefined()
  expect(failures()).toEqual([])
})

test('of another site or for another plan it does not open: the work begins anew, and that is told once', async () => {
  await keeper().keep(checkpoint(3, 0))
  expect(keeper({ identity: generateIdentity() }).read()).toBeUndefined()
  const other = fixture.plan({ round: 2 })
  writeFileSync(fixture.store.outbox.checkpointPath(other.hash), readFileSync(path))
  expect(keeper({}, { ...assignment, planHash: other.hash }).read()).toBeUndefined()
  expect(failures()).toHaveLength(2)
  expect(failures()[0]).toMatchObject({ reason: expect.stringContaining('so it begins anew') })
})

test('a damaged one is not read, wherever it is damaged', async () => {
  await keeper().keep(checkpoint(300_000, 3))
  const whole = readFileSync(path)
  const damages = [
    ...[0, 10, 31].map((length) => whole.subarray(0, length)),
    ...[33, 40, whole.length - 1].map((length) => whole.subarray(0, length)),
    Buffer.concat([whole, Buffer.from([0])]),
    ...[3, 34, 60, 500_000, whole.length - 1].map((at) => {
      const changed = Buffer.from(whole)
      changed[at]! ^= 1
      return changed
    }),
  ]
  for (const damaged of damages) {
    writeFileSync(path, damaged)
    expect(keeper().read()).toBeUndefined()
  }
  expect(failures()).toHaveLength(damages.length)
})

test('where it cannot be written that is told once, with its cause, and nothing half-written stays', async () => {
  mkdirSync(`${path}.partial`)
  const blocked = keeper()
  expect(await blocked.keep(checkpoint(3, 0))).toBe(3_000)
  expect(failures()).toMatchObject([{ reason: expect.stringMatching(/^training goes on, but .*EISDIR/) }])
  rmSync(`${path}.partial`, { recursive: true })
  expect(await blocked.keep(checkpoint(3, 0))).toBeLessThan(3_000)
  expect([failures().length, existsSync(path), existsSync(`${path}.partial`)]).toEqual([1, true, false])
})

test.skipIf(process.platform !== 'linux')(
  'a full disk is told of, and what was written of it is given back',
  async () => {
    symlinkSync('/dev/full', `${path}.partial`)
    const full = keeper()
    expect(await full.keep(checkpoint(300_000, 0))).toBe(3_000)
    expect(failures()).toMatchObject([{ reason: expect.stringContaining('ENOSPC in write: make room on that disk') }])
    expect(existsSync(path)).toBe(false)
    expect(await full.keep(checkpoint(300_000, 0))).toBeLessThan(3_000)
    expect(full.read()?.steps).toBe(12)
  },
)

test('it goes with the work it was for', async () => {
  fixture.store.journal.begin(assignment.planHash, assignment.plan)
  await keeper().keep(checkpoint(3, 0))
  expect(fixture.store.outbox.has(assignment.planHash)).toBe(false)
  fixture.coordinator.say({ type: 'round-over', planHash: assignment.planHash, outcome: 'dropped', reason: '' })
  expect(existsSync(path)).toBe(false)
})
