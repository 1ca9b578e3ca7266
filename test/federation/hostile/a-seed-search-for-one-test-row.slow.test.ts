/**
 * A lead who knows one patient's identifier looks for a study in which this patient alone tests at the hospital: the evaluation
 * of all hospitals less that of the others is then this patient's diagnosis, and the coordinator opens both. Control: a build
 * whose split key follows from the study's name and seed, at sites whose policy asks for no test rows: a few hundred seeds are
 * enough. Here the sides hang on the site secret, the fraction and the key column: every seed and name gives the same ones. The
 * lead is left with 46 fractions, whose sides nobody outside can work out, and a policy that wants 20 test rows.
 */
import { createHash } from 'node:crypto'
import { type Study, studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test, vi } from 'vitest'
import { splitter } from '../../../site-agent/data/split.ts'
import { studyKeys } from '../../../site-agent/data/study-keys.ts'
import { aStudy } from '../../support/a-study.ts'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'
import { openedEvaluation, testedMore } from '../../support/hostile/opened-evaluation.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const build = vi.hoisted((): { splitKey?: (study: Study) => Uint8Array } => ({}))

/** Agents hand the trainer's process its keys. They call this with the whole study. */
vi.mock(import('../../../site-agent/data/study-keys.ts'), async (load) => {
  const real = await load()
  return {
    ...real,
    studyKeys(...of) {
      const split = build.splitKey?.(of[2] as Study)
      return { ...real.studyKeys(...of), ...(split && { split }) }
    },
  }
})

const hospital = 'switzerland'
const seedsMax = 2000
const seeds = Array.from({ length: seedsMax }, (_, seed) => seed)
const split = { by: 'hash', key: 'record', testFraction: 0.05 } as const
const few = () => hearts(({ record }, site) => site !== hospital || Number(record.split('-')[1]) < 46)
const studyOf = (seed: number) => ({ ...heartStudy, split, name: `seed-${seed}`, seed })
const publicKey = ({ name, seed }: Pick<Study, 'name' | 'seed'>) =>
  createHash('sha256').update(`${name}:${seed}`).digest()

/** Which of these records test under a seed, comma between them. */
function testing(records: readonly string[], seed: number, keyOf: (study: Study) => Uint8Array): string {
  const study = studySchema.parse({ ...aStudy, ...studyOf(seed) })
  const side = splitter(study, keyOf(study))
  return records.filter((record) => side(record) === 'test').join()
}

test.skipIf(skipWithoutRealData)(
  'control: where the key follows from name and seed, two evaluations tell the diagnosis of whoever the lead looks for',
  async () => {
    build.splitKey = publicKey
    try {
      const { records, ...lies } = await few()
      const patients = records.get(hospital)!
      const identifiers = patients.map(({ record }) => record)
      await using federation = await hostileFederation(lies)
      for (const disease of [0, 1]) {
        const { record } = patients.find((one) => one.disease === disease)!
        const seed = seeds.find((each) => testing(identifiers, each, publicKey) === record)!
        const all = await evaluated(federation, seed, 0.01, [])
        // Another learning rate is another study, with the same name and seed.
        const others = await evaluated(federation, seed, 0.02, [hospital])
        const { rows, cases } = testedMore(all, others)
        expect({ rows, isRead: cases === disease }).toEqual({ rows: 1, isRead: true })
      }
    } finally {
      delete build.splitKey
    }
  },
)

test.skipIf(skipWithoutRealData)(
  'no seed changes who tests, and none of thousands leaves the patient alone',
  async () => {
    const { records, ...lies } = await few()
    const identifiers = records.get(hospital)!.map(({ record }) => record)
    const found = seeds.find((seed) => testing(identifiers, seed, publicKey) === 'switzerland-7')!
    await using federation = await hostileFederation({
      ...lies,
      trainer: (site, number) => (site === hospital ? undefined : madeUpTrainer(number).start),
    })
    const { secret } = federation.joined.get(hospital)!
    const sides = new Set(
      seeds.map((seed) => testing(identifiers, seed, (study) => studyKeys(secret, `${seed}`, study).split)),
    )
    expect(sides.size).toBe(1)
    // The same at the hospital's agent, for the seed that was searched out and for any other.
    const counts: unknown[] = []
    for (const seed of [found, found + 1]) {
      const study = await federation.create(studyOf(seed))
      const checked = federation.agents
        .get(hospital)!
        .events.find((event) => event.type === 'data-checked' && event.study === study)
      counts.push(checked)
    }
    const testRows = [...sides][0]!.split(',').filter(Boolean).length
    expect(counts).toMatchObject([{ testRows }, { testRows }])
  },
)

/** What the evaluation of a study with this seed adds up to, among all hospitals but these. */
async function evaluated(
  federation: HostileFederation,
  seed: number,
  learningRate: number,
  without: readonly string[],
) {
  const optimizer = { name: 'sgd', learningRate } as const
  const study = await federation.create({ ...studyOf(seed), optimizer })
  const { run } = await federation.admin.startRun(study, without)
  expect((await federation.ended(run)).state).toBe('finished')
  return openedEvaluation(federation, run)
}
