/** How many sites a secure round needs: the specification's table, and what no threshold may allow. */
import {
  attestationsForRetry,
  defaultCohortMin,
  defaultColluders,
  defaultSurvivorsMin,
  fewestPartners,
  sessionThresholds,
  studyThresholds,
} from '@consilium/protos/secagg/thresholds.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

test.for([
  { sites: 3, c: 0, t: 2, late: 0, m: 3 },
  { sites: 4, c: 1, t: 3, late: 1, m: 3 },
  { sites: 5, c: 1, t: 4, late: 1, m: 4 },
  { sites: 6, c: 1, t: 4, late: 2, m: 5 },
  { sites: 7, c: 2, t: 5, late: 2, m: 5 },
  { sites: 10, c: 3, t: 7, late: 3, m: 5 },
  { sites: 20, c: 6, t: 14, late: 6, m: 5 },
  { sites: 50, c: 16, t: 34, late: 16, m: 5 },
  { sites: 100, c: 33, t: 67, late: 33, m: 5 },
  { sites: 200, c: 66, t: 134, late: 66, m: 5 },
])('$sites sites: $c may collude, $t rebuild, $late may drop out late', ({ sites, c, t, late, m }) => {
  expect(defaultColluders(sites)).toBe(c)
  expect(defaultSurvivorsMin(sites)).toBe(m)
  const thresholds = sessionThresholds(sites, { colluders: c, survivorsMin: 3 })
  expect(thresholds.threshold).toBe(t)
  expect(sites - thresholds.survivorsMin).toBe(late)
})

test.for([
  [5, 3],
  [10, 7],
  [100, 67],
] as const)('of %i sites %i must attest before a retry', ([sites, attest]) => {
  const thresholds = sessionThresholds(sites, { colluders: defaultColluders(sites), survivorsMin: 3 })
  expect(attestationsForRetry(thresholds)).toBe(attest)
})

test('two survivor sets never both find a quorum, and a sum never holds fewer than two honest sites', () => {
  const cohorts = fc
    .integer({ min: 3, max: 255 })
    .chain((cohort) => fc.record({ cohort: fc.constant(cohort), advertised: fc.integer({ min: 3, max: cohort }) }))
  fc.assert(
    fc.property(cohorts, ({ cohort, advertised }) => {
      const colluders = defaultColluders(cohort)
      const plan = { colluders, survivorsMin: defaultSurvivorsMin(cohort) }
      const enough =
        advertised - colluders >= 2 &&
        Math.max(Math.floor((advertised + colluders) / 2) + 1, plan.survivorsMin) <= advertised
      if (!enough) {
        expect(() => sessionThresholds(advertised, plan)).toThrow(expect.objectContaining({ code: 'cohort-too-small' }))
        return
      }
      const { threshold, survivorsMin } = sessionThresholds(advertised, plan)
      // Colluders answer both coordinators' questions, honest sites one.
      expect(2 * threshold).toBeGreaterThan(advertised + colluders)
      expect(survivorsMin - colluders).toBeGreaterThanOrEqual(2)
      expect(threshold).toBeGreaterThan(colluders)
    }),
    { numRuns: 500 },
  )
})

describe('refused', () => {
  test.for([
    ['two sites', 2, 0, 3, 'cohort-too-small'],
    ['no site', 0, 0, 3, 'cohort-too-small'],
    ['half a site', 4.5, 0, 3, 'cohort-too-small'],
    ['256 sites', 256, 0, 3, 'limit-exceeded'],
    ['a minimum of two survivors', 5, 1, 2, 'invalid-argument'],
    ['negative colluders', 5, -1, 3, 'invalid-argument'],
    ['a fraction of a colluder', 5, 0.5, 3, 'invalid-argument'],
    ['three left of a cohort of ten', 3, 3, 5, 'cohort-too-small'],
    ['one honest site, a cohort of 114 shrunken to its colluders', 38, 37, 5, 'cohort-too-small'],
    ['as many colluders as sites', 5, 5, 3, 'cohort-too-small'],
  ] as const)('%s', ([, sites, colluders, survivorsMin, code]) => {
    expect(() => sessionThresholds(sites, { colluders, survivorsMin })).toThrow(expect.objectContaining({ code }))
  })

  test('defaults for a cohort of two', () => {
    expect(() => defaultColluders(2)).toThrow(expect.objectContaining({ code: 'cohort-too-small' }))
    expect(() => defaultSurvivorsMin(2)).toThrow(expect.objectContaining({ code: 'cohort-too-small' }))
  })
})

describe('of a study planned for so many sites', () => {
  test.for([
    { planned: 3, min: 3, c: 0, m: 3 },
    { planned: 4, min: 3, c: 1, m: 3 },
    { planned: 5, min: 4, c: 1, m: 3 },
    { planned: 7, min: 6, c: 2, m: 5 },
    { planned: 8, min: 6, c: 2, m: 5 },
    { planned: 10, min: 8, c: 3, m: 5 },
    { planned: 100, min: 75, c: 33, m: 35 },
  ])('$planned: rounds of at least $min, $c may collude, $m in a sum', ({ planned, min, c, m }) => {
    expect(defaultCohortMin(planned)).toBe(min)
    const thresholds = studyThresholds({ cohort: { planned, min }, aggregation: {} }, min)
    expect(thresholds).toEqual({ colluders: c, survivorsMin: m })
    expect(sessionThresholds(min, thresholds).survivorsMin).toBeLessThanOrEqual(min)
  })

  test('no cohort of a round lowers them, and what the study says besides only raises them', () => {
    const cohort = { planned: 7, min: 6 }
    for (const size of [3, 4, 6, 7])
      expect(studyThresholds({ cohort, aggregation: {} }, size)).toEqual({ colluders: 2, survivorsMin: 5 })
    expect(studyThresholds({ cohort, aggregation: { colluders: 1, survivorsMin: 3 } }, 7)).toEqual({
      colluders: 2,
      survivorsMin: 5,
    })
    expect(studyThresholds({ cohort, aggregation: { colluders: 3, survivorsMin: 6 } }, 7)).toEqual({
      colluders: 3,
      survivorsMin: 6,
    })
  })
})

describe('of the partners of a study are left at least', () => {
  test.for([
    { what: 'the least cohort', cohort: { planned: 7, min: 6 }, aggregation: {}, sites: 5, fewest: 6 },
    { what: 'the survivors', cohort: { planned: 4, min: 3 }, aggregation: { survivorsMin: 4 }, sites: 3, fewest: 4 },
    { what: 'two more than collude', cohort: { min: 3 }, aggregation: { colluders: 4 }, sites: 5, fewest: 6 },
    { what: 'what so many take, unplanned', cohort: { min: 3 }, aggregation: {}, sites: 6, fewest: 5 },
    { what: 'three of a change to two', cohort: { min: 3 }, aggregation: {}, sites: 2, fewest: 3 },
  ])('$what: $fewest', ({ cohort, aggregation, sites, fewest }) => {
    expect(fewestPartners({ cohort, aggregation }, sites)).toBe(fewest)
  })
})
