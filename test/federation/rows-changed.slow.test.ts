/**
 * Honest work: a hospital's records change while a study runs. A patient who objected is taken out: the hospital trains on, and
 * stands out of evaluations, whose difference would tell that patient's diagnosis. The records of some days later come in:
 * as many as hide one another, and it evaluates again.
 */
import type { RunView } from '@consilium/coordinator/services.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../support/hostile/federation.ts'
import { viewOf } from '../support/hostile/people.ts'

const columns = { age: 'DOUBLE', exang: 'BIGINT', cp: 'BIGINT', disease: 'BIGINT', side: 'VARCHAR' }
const files = { patients: { path: 'patients.csv', format: 'csv', columns } }
const siteYaml = JSON.stringify({ files, view: 'SELECT * FROM patients' })

const study: Partial<StudyInput> = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [3] },
  rounds: 1000,
  localTraining: { steps: 4, batchSize: 4 },
  evaluation: { bins: 8, everyRounds: 1 },
  split: { by: 'column', column: 'side' },
}

/** A federation in which zurich has the records of `patients()`, as often as its agent is started. */
function federationOf(patients: () => readonly number[], rows: { rowsMin: number; testRowsMin: number }) {
  const everybody = Array.from({ length: 60 }, (_, i) => i)
  const data = (site: SiteName) => {
    const lines = (site === 'zurich' ? patients() : everybody).map(
      (i) => `${40 + (i % 50)},${i % 2},${1 + (i % 4)},${i % 3 === 0 ? 1 : 0},${i % 2 === 0 ? 'test' : 'train'}`,
    )
    return { 'site.yaml': siteYaml, 'patients.csv': `${Object.keys(columns).join(',')}\n${lines.join('\n')}\n` }
  }
  return hostileFederation({ data, policy: () => ({ rows }) })
}

async function restart(federation: HostileFederation, run: string): Promise<number> {
  await federation.restartAgent('zurich', async () => {})
  const { rounds } = await viewOf(federation, run, ({ rounds: over }) =>
    Boolean(over.at(-1)?.survivors.includes('zurich')),
  )
  return rounds.at(-1)!.round
}

const since = (round: number, holds: (view: RunView['rounds'][number]) => boolean) => (view: RunView) =>
  view.rounds.some((over) => over.round > round && over.survivors.includes('zurich') && holds(over))
const isEvaluated = ({ loss }: RunView['rounds'][number]) => loss !== undefined
const isWithheld = ({ withheld }: RunView['rounds'][number]) => withheld !== undefined

test('one patient less: evaluations are withheld and training goes on; a day’s records later they are made', async () => {
  let patients = Array.from({ length: 60 }, (_, i) => i)
  await using federation = await federationOf(() => patients, { rowsMin: 1, testRowsMin: 20 })
  const run = await federation.start(study)
  await viewOf(federation, run, since(0, isEvaluated))

  patients = patients.filter((patient) => patient !== 30)
  const without = await restart(federation, run)
  const { rounds } = await viewOf(federation, run, since(without + 1, isWithheld))
  const { withheld, survivors } = rounds.at(-1)!
  expect(withheld).toMatch(/^evaluation withheld: .*zurich.*data-not-ready/)
  expect(survivors).toEqual(siteNames)
  expect(new Set(refusalsOf(federation, 'zurich'))).toEqual(new Set(['data-changed']))
  const codes = federation.recorded.heard.flatMap(({ message }) => (message.type === 'refusal' ? [message.code] : []))
  expect(new Set(codes)).toEqual(new Set(['data-not-ready']))

  patients = [...patients, ...Array.from({ length: 50 }, (_, i) => 60 + i)]
  const later = await restart(federation, run)
  await viewOf(federation, run, since(later, isEvaluated))
  await federation.admin.cancelRun(run, 'seen enough')
})

test('control: where no number of rows is asked for, the evaluation without the patient is made', async () => {
  let patients = Array.from({ length: 60 }, (_, i) => i)
  await using federation = await federationOf(() => patients, { rowsMin: 1, testRowsMin: 0 })
  const run = await federation.start(study)
  await viewOf(federation, run, since(0, isEvaluated))
  patients = patients.filter((patient) => patient !== 30)
  await viewOf(federation, run, since(await restart(federation, run), isEvaluated))
  await federation.admin.cancelRun(run, 'seen enough')
})
