/**
 * Two studies on overlapping columns, each with a hospital that the other one lacks, and further runs with one away. What
 * should happen: each column is summed once, by whoever was there first; who was not takes its mean by their signatures, also
 * where the later study allows for more colluders. What should not: two sums whose difference is a hospital's, or a run that
 * waits for a hospital that has no part in it.
 */
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { refusals } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { passUntil } from '../../support/paced-run.ts'

const names = ['aarau', 'basel', 'cleveland', 'hungary', 'zurich']
const studyOf = (name: string, columns: readonly string[], more: Partial<StudyInput> = {}): Partial<StudyInput> => ({
  name,
  features: columns.map((column) => ({ name: column, type: 'number' })),
  standardisation: 'federated',
  ...more,
})

/** A study that all but one approve, while that one is away, run to its end. */
async function runWithout(federation: HostileFederation, away: string, study: Partial<StudyInput>) {
  await federation.leave(away)
  const offered = await federation.offer(study)
  expect(await federation.approved(offered, 4)).toEqual(names.filter((name) => name !== away))
  const run = await federation.startRun(offered)
  const view = await passUntil(federation, run, ({ state }) => state !== 'running')
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  await federation.comeBack(away)
  return view
}

const isStatistics = ({ type, body }: LogEntry) => type === 'cohort-selected' && body.purpose === 'statistics'

test('the second study sums what is new to it, and no two sums in the log can be subtracted', async () => {
  await using federation = await hostileFederation({ names })
  const first = await runWithout(federation, 'zurich', studyOf('first', ['age', 'chol']))
  // Three sites have to vouch where two may collude; the first study needed the word of two.
  const aggregation = { mode: 'secure', weights: 'exact', weightMax: 64, colluders: 2 } as const
  const cohort = { min: 4, quorum: 4 }
  const second = await runWithout(federation, 'aarau', studyOf('second', ['chol', 'pressure'], { aggregation, cohort }))
  expect(second.columnsTaken).toEqual([{ run: first.run, columns: ['chol'] }])
  expect(second.rounds.at(-1)!.survivors).toEqual(names.slice(1))

  const plans = (await federation.allEntries()).filter(isStatistics).map(({ body }) => body.plan as RoundPlan)
  expect(plans.map(({ columns, cohort: among }) => [columns!.map(({ name }) => name), among])).toEqual([
    [['age', 'chol'], names.slice(0, 4)],
    [['pressure'], names.slice(1)],
  ])
  expect(refusals(federation)).toEqual([])
})

test('a run with one hospital away needs no statistics: it trains at once, and nobody is waited for', async () => {
  await using federation = await hostileFederation({ names })
  const study = studyOf('first', ['age', 'chol'])
  const first = await federation.run(study)
  const again = await runWithout(federation, 'hungary', { ...study, name: 'again', seed: 7 })
  expect(again.columnsTaken).toEqual([{ run: first.run, columns: ['age', 'chol'] }])
  expect(again.rounds.map(({ round, survivors }) => [round, survivors.length])).toEqual([[1, 4]])
  expect((await federation.allEntries()).filter(isStatistics)).toHaveLength(1)
  expect(refusals(federation)).toEqual([])
})
