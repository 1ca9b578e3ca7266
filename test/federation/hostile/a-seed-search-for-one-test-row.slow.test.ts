/**
 * A lead who knows one patient's identifier looks for a study in which this patient alone tests: the evaluation is then that
 * patient's diagnosis and score. Where the sides hang on the study's name and seed (the control) a few hundred seeds are
 * enough. Here they hang on the site secret, the fraction and the key column: every seed and name gives the same sides. The
 * lead is left with 46 fractions, whose sides nobody outside can work out, and a policy that wants 20 test rows.
 */
import { createHash } from 'node:crypto'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { splitter } from '../../../site-agent/data/split.ts'
import { studyKeys } from '../../../site-agent/data/study-keys.ts'
import { aStudy } from '../../support/a-study.ts'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const hospital = 'switzerland'
const patient = 'switzerland-7'
const seedsMax = 2000
const split = { by: 'hash', key: 'record', testFraction: 0.05 } as const

test.skipIf(skipWithoutRealData)(
  'no seed changes who tests, and none of thousands leaves the patient alone',
  async () => {
    const {
      names = [],
      records,
      ...lies
    } = await hearts(({ record }, site) => site !== hospital || Number(record.split('-')[1]) < 46)
    const all = records.get(hospital)!.map(({ record }) => record)
    const studyOf = (seed: number) => studySchema.parse({ ...aStudy, ...heartStudy, split, name: `seed-${seed}`, seed })
    const testing = (seed: number, key: Uint8Array) => {
      const side = splitter(studyOf(seed), key)
      return all.filter((record) => side(record) === 'test').join()
    }
    const searched = Array.from({ length: seedsMax }, (_, seed) => seed)
    // Control: anybody can work out the key.
    const publicKey = (seed: number) => createHash('sha256').update(`seed-${seed}:${seed}`).digest()
    const found = searched.find((seed) => testing(seed, publicKey(seed)) === patient)
    expect(found).toBeDefined()

    await using federation = await hostileFederation({
      names,
      ...lies,
      trainer: (site, number) => (site === hospital ? undefined : madeUpTrainer(number).start),
    })
    const { secret } = federation.joined.get(hospital)!
    const sides = new Set(searched.map((seed) => testing(seed, studyKeys(secret, `${seed}`, studyOf(seed)).split)))
    expect(sides.size).toBe(1)
    // The same at the hospital's agent, for the seed that was searched out and for any other.
    const counts: unknown[] = []
    for (const seed of [found!, found! + 1]) {
      const study = await federation.create({ ...heartStudy, split, name: `seed-${seed}`, seed })
      const checked = federation.agents
        .get(hospital)!
        .events.find((event) => event.type === 'data-checked' && event.study === study)
      counts.push(checked)
    }
    const testRows = [...sides][0]!.split(',').filter(Boolean).length
    expect(counts).toMatchObject([{ testRows }, { testRows }])
  },
)
