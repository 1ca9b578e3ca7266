/**
 * Test rows that changed between two evaluations (fedsum, E.2): a few keep the site out of evaluations, not of training, and
 * say one code; as many as hide one another let it in again.
 */
import { afterEach, expect, test } from 'vitest'
import { refusalAt } from '../../support/refusal.ts'
import { secureRound } from '../../support/secure-round.ts'
import { openSite, type SiteFixture } from '../../support/site-fixture.ts'

let opened: SiteFixture | undefined
afterEach(async () => {
  await opened?.close()
  opened = undefined
})

/** A site with these test rows, by number; its policy wants three. */
function open(rows: readonly number[]): SiteFixture {
  opened = openSite()
  opened.policy.rows = { ...opened.policy.rows, testRowsMin: 3 }
  opened.trainer.testMarks = marks(rows)
  return opened
}

function marks(rows: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(8 * rows.length)
  for (const [i, row] of rows.entries()) bytes.writeUInt32BE(row, 8 * i)
  return new Uint8Array(bytes)
}

/** The files change, and the agent is started again. */
function change(site: SiteFixture, rows: readonly number[]): void {
  site.trainer.testMarks = marks(rows)
  site.restart()
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i)
const ten = upTo(10)

async function evaluate(site: SiteFixture, run: string): Promise<void> {
  const round = secureRound(site, { purpose: 'evaluate', run })
  await round.unmasked()
  site.coordinator.say({ type: 'round-over', planHash: round.hash, outcome: 'committed', reason: '' })
}

async function refused(site: SiteFixture, run: string, reason: RegExp): Promise<string> {
  const { signed, hash } = secureRound(site, { purpose: 'evaluate', run })
  site.coordinator.sent.length = 0
  site.coordinator.say({ type: 'assignment', plan: signed })
  await refusalAt(site)
  const [told] = site.coordinator.sent.filter(({ type }) => type === 'refusal')
  // One code for all that lies in the data, and no number.
  expect(told).toEqual({ type: 'refusal', planHash: hash, code: 'data-not-ready' })
  expect(site.store.records.refusals(1)[0]).toMatchObject({
    code: 'data-changed',
    reason: expect.stringMatching(reason),
  })
  expect(site.coordinator.uploads.has(hash)).toBe(false)
  return hash
}

test.for<[string, number[]]>([
  ['a patient who objected', upTo(9)],
  ['a corrected record', [...upTo(9), 99]],
])('%s keeps the site out of evaluations; it trains, and is back with the rows as they were', async ([, rows]) => {
  const site = open(ten)
  await evaluate(site, 'heart-1')
  change(site, rows)
  await refused(
    site,
    'heart-2',
    /^this site stands out of the evaluations of the study, and trains: 1 test rows changed/,
  )
  await secureRound(site, { run: 'heart-3' }).unmasked()
  expect(site.store.standOuts.list()).toEqual([])
  change(site, ten)
  await evaluate(site, 'heart-4')
})

test('once the rows are read it refuses before any work, and says so again for each evaluation', async () => {
  const site = open(ten)
  await evaluate(site, 'heart-1')
  change(site, upTo(9))
  await secureRound(site, { run: 'heart-2' }).unmasked()
  const calls = site.trainer.calls.length
  for (const run of ['heart-3', 'heart-4']) await refused(site, run, /1 test rows changed/)
  expect(site.trainer.calls).toHaveLength(calls)
})

test('late records of a whole day let it in again; what was evaluated once is compared with every set of before', async () => {
  const site = open(ten)
  await evaluate(site, 'heart-1')
  change(site, upTo(12))
  await refused(site, 'heart-2', /^.*2 test rows changed/)
  change(site, upTo(14))
  await evaluate(site, 'heart-3')
  // Far from the last ones, and one patient away from the first.
  change(site, upTo(11))
  await refused(site, 'heart-4', /1 test rows changed/)
  change(site, ten)
  await evaluate(site, 'heart-5')
})

test('a person lets it in by the policy', async () => {
  const site = open(ten)
  await evaluate(site, 'heart-1')
  change(site, upTo(9))
  await refused(site, 'heart-2', /lower rows.testRowsMin in policy.yaml/)
  site.policy.rows = { ...site.policy.rows, testRowsMin: 1 }
  await evaluate(site, 'heart-3')
})

test('work that was never masked is in no sum, and bars nothing', async () => {
  const site = open(ten)
  const lost = secureRound(site, { purpose: 'evaluate' })
  await lost.work()
  site.coordinator.say({ type: 'round-over', planHash: lost.hash, outcome: 'failed', reason: '' })
  change(site, upTo(9))
  await evaluate(site, 'heart-2')
})

test('two evaluations side by side, worked on rows that differ by one: one of them is masked', async () => {
  const site = open(ten)
  const first = secureRound(site, { purpose: 'evaluate' })
  await first.shared()
  const [own, directory] = [await first.sent('share-keys'), first.directory(await first.sent('advertise'))]
  change(site, upTo(9))
  await evaluate(site, 'heart-2')
  site.coordinator.sent.length = 0
  site.coordinator.say(first.shares(own, directory))
  expect(await refusalAt(site)).toMatchObject({ planHash: first.hash, code: 'data-changed' })
  expect(site.coordinator.uploads.has(first.hash)).toBe(false)
})

test('in sealed mode, where nothing is hidden in a sum, nothing is compared', async () => {
  opened = openSite({ study: { aggregation: { mode: 'sealed' } } })
  const site = opened
  site.policy.rows = { ...site.policy.rows, testRowsMin: 3 }
  for (const [run, rows] of [
    ['heart-1', ten],
    ['heart-2', upTo(9)],
  ] as const) {
    change(site, rows)
    const { signed, hash } = site.plan({ purpose: 'evaluate', run })
    site.coordinator.say({ type: 'assignment', plan: signed })
    await site.coordinator.until(() => site.coordinator.sent.find((m) => m.type === 'work-done' && m.planHash === hash))
  }
})
