/**
 * Two studies whose test fractions differ by a hundredth: where one key decides the sides (the control), the larger side holds
 * the smaller one and a few patients more, and the difference of two evaluations is theirs. Here each fraction has a key of
 * its own, so that the sides are as independent as if drawn twice. The lead is left with a difference of dozens of rows that
 * only the one tests less dozens that only the other does.
 */
import { studySchema } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import { splitter } from '../../../site-agent/data/split.ts'
import { studyKeys } from '../../../site-agent/data/study-keys.ts'
import { aStudy } from '../../support/a-study.ts'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const hospital = 'cleveland'

test.skipIf(skipWithoutRealData)(
  'evaluations of two fractions differ by dozens of rows of a hospital on either side',
  async () => {
    const { names = [], records, ...lies } = await hearts()
    const studies = [0.3, 0.31].map((testFraction) => ({
      ...heartStudy,
      name: `tests-${100 * testFraction}`,
      split: { by: 'hash', key: 'record', testFraction } as const,
    }))
    const testing = (keyOf: (study: ReturnType<typeof studySchema.parse>) => Uint8Array) =>
      studies.map((input) => {
        const study = studySchema.parse({ ...aStudy, ...input })
        const side = splitter(study, keyOf(study))
        return new Set(records.get(hospital)!.flatMap(({ record }) => (side(record) === 'test' ? [record] : [])))
      }) as [Set<string>, Set<string>]
    const [smaller, larger] = testing(() => new Uint8Array(32))
    expect(less(smaller, larger)).toEqual([])
    expect(less(larger, smaller).length).toBeGreaterThan(0)
    expect(less(larger, smaller).length).toBeLessThan(10)

    await using federation = await hostileFederation({
      names,
      ...lies,
      trainer: (site, number) => (site === hospital ? undefined : madeUpTrainer(number).start),
    })
    const { secret } = federation.joined.get(hospital)!
    const sides = testing((study) => studyKeys(secret, '', study).split)
    // Of 303 rows some 63 test for the one alone and 65 for the other alone.
    expect(less(sides[0], sides[1]).length).toBeGreaterThan(30)
    expect(less(sides[1], sides[0]).length).toBeGreaterThan(30)
    for (const [i, study] of studies.entries()) {
      const hash = await federation.create(study)
      expect(
        federation.agents.get(hospital)!.events.find((event) => event.type === 'data-checked' && event.study === hash),
      ).toMatchObject({ testRows: sides[i]!.size })
    }
  },
)

function less(one: ReadonlySet<string>, other: ReadonlySet<string>): string[] {
  return [...one].filter((record) => !other.has(record))
}
