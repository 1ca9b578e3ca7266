/**
 * Studies whose test fractions differ by a hundredth. Control: a build whose split key does not hang on the fraction, at
 * hospitals with few rows and a policy that asks for no test rows. The larger side then holds the smaller one and a patient or
 * two more, and the difference of two evaluations of all hospitals, which the coordinator opens, is theirs: where it is of one
 * row, a diagnosis. Here each fraction has a key of its own, so that the sides are as independent as if drawn twice. The lead is
 * left with a difference of dozens of rows that only the one tests less dozens that only the other does.
 */
import { type Study, studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test, vi } from 'vitest'
import { splitter } from '../../../site-agent/data/split.ts'
import { studyKeys } from '../../../site-agent/data/study-keys.ts'
import { aStudy } from '../../support/a-study.ts'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { type HeartRecord, heartStudy, hearts } from '../../support/hostile/heart.ts'
import { openedEvaluation, type Tested, testedMore } from '../../support/hostile/opened-evaluation.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const build = vi.hoisted((): { splitKey?: () => Uint8Array } => ({}))

/** Agents hand the trainer's process its keys. */
vi.mock(import('../../../site-agent/data/study-keys.ts'), async (load) => {
  const real = await load()
  return {
    ...real,
    studyKeys(...of) {
      const split = build.splitKey?.()
      return { ...real.studyKeys(...of), ...(split && { split }) }
    },
  }
})

const hospital = 'cleveland'
/** In place of the sites' random secrets, so that the control repeats: one at which each hundredth is one patient more. */
const secretOfControl = new Uint8Array(32).fill(8)
const withoutFraction = { split: { by: 'hash', key: 'record', testFraction: 0 } } as const

const studyOf = (testFraction: number) => ({
  ...heartStudy,
  name: `tests-${Math.round(100 * testFraction)}`,
  split: { by: 'hash', key: 'record', testFraction } as const,
})

/** Which of these records test at this fraction. */
function testing(records: readonly HeartRecord[], testFraction: number, keyOf: (study: Study) => Uint8Array) {
  const study = studySchema.parse({ ...aStudy, ...studyOf(testFraction) })
  const side = splitter(study, keyOf(study))
  return new Set(records.filter(({ record }) => side(record) === 'test'))
}

test.skipIf(skipWithoutRealData)(
  'control: with one key for all fractions, evaluations of five neighbouring ones tell four diagnoses',
  async () => {
    const key = studyKeys(secretOfControl, '', withoutFraction).split
    build.splitKey = () => key
    try {
      const { records, ...lies } = await hearts(({ record }) => Number(record.split('-')[1]) < 46)
      const patients = [...records.values()].flat()
      const fractions = [0.3, 0.31, 0.32, 0.33, 0.34]
      await using federation = await hostileFederation(lies)
      const opened: Tested[] = []
      for (const fraction of fractions) {
        const { run, state } = await federation.run(studyOf(fraction))
        expect(state).toBe('finished')
        opened.push(openedEvaluation(federation, run))
      }
      const sides = fractions.map((fraction) => testing(patients, fraction, () => key))
      for (const [i, sum] of opened.slice(1).entries()) {
        const { rows, cases } = testedMore(sum, opened[i]!)
        const [patient] = less(sides[i + 1]!, sides[i]!)
        expect({ rows, isRead: cases === patient!.disease }).toEqual({ rows: 1, isRead: true })
      }
    } finally {
      delete build.splitKey
    }
  },
)

test.skipIf(skipWithoutRealData)(
  'evaluations of two fractions differ by dozens of rows of a hospital on either side',
  async () => {
    const { records, ...lies } = await hearts()
    await using federation = await hostileFederation({
      ...lies,
      trainer: (site, number) => (site === hospital ? undefined : madeUpTrainer(number).start),
    })
    const { secret } = federation.joined.get(hospital)!
    const fractions = [0.3, 0.31]
    const sides = fractions.map((fraction) =>
      testing(records.get(hospital)!, fraction, (study) => studyKeys(secret, '', study).split),
    ) as [Set<HeartRecord>, Set<HeartRecord>]
    // Of 303 rows some 63 test for the one alone and 65 for the other alone.
    expect(less(sides[0], sides[1]).length).toBeGreaterThan(30)
    expect(less(sides[1], sides[0]).length).toBeGreaterThan(30)
    for (const [i, fraction] of fractions.entries()) {
      const hash = await federation.create(studyOf(fraction))
      expect(
        federation.agents.get(hospital)!.events.find((event) => event.type === 'data-checked' && event.study === hash),
      ).toMatchObject({ testRows: sides[i]!.size })
    }
  },
)

function less(one: ReadonlySet<HeartRecord>, other: ReadonlySet<HeartRecord>): HeartRecord[] {
  return [...one].filter((record) => !other.has(record))
}
