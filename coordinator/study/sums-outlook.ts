/**
 * What would become of the first sum of each purpose, by the very rules by which a round recruits: who would be in it, who
 * is missing, what that costs, and the ways out.
 */
import type { Purpose } from '@consilium/protos/plan/names.ts'
import { isEvaluatedAfter } from '@consilium/protos/plan/study.ts'
import { isAmongPartners } from '../round/partners.ts'
import { exclusion, standsOutOf } from '../round/presence.ts'
import { type Prospects, prospectsOf } from '../round/recruit.ts'
import { requiredNow } from '../round/required.ts'
import { runInRound } from '../run/run.ts'
import type { Run } from '../run/state.ts'
import type { SumOutlook } from '../run-outlook.ts'
import { closeEvaluations } from './limits-outlook.ts'
import { repetition } from './repetition.ts'
import { runToCome, type Situation } from './situation.ts'
import { statisticsToCome } from './statistics-outlook.ts'

type Fate = Pick<SumOutlook, 'outlook' | 'reason'> & { readonly waysOut?: readonly string[] }

export function sumsOutlook(situation: Situation): SumOutlook[] {
  const { study } = situation.manifest
  const evaluated = Array.from({ length: study.rounds }, (_, i) => i + 1).find((round) =>
    isEvaluatedAfter(round, study),
  )
  return [
    ...statisticsOutlook(situation),
    outlookOf(situation, { round: 1, purpose: 'train' }),
    outlookOf(situation, { round: evaluated ?? study.rounds, purpose: 'evaluate' }),
  ]
}

/** Who could be in the first round of a purpose now. */
export function prospects(
  situation: Situation,
  step: { readonly round: number; readonly purpose: Purpose },
): Prospects {
  const { attendance, now } = situation
  const logHead = { size: 1, root: '0'.repeat(64) }
  return prospectsIn(runInRound(runToCome(situation), step, { type: 'look', attendance, logHead }, now), situation)
}

function prospectsIn({ current }: Run, { attendance }: Situation): Prospects {
  if (current?.phase !== 'recruit') throw new Error('a round begins by recruiting')
  return prospectsOf(current, attendance)
}

function statisticsOutlook(situation: Situation): SumOutlook[] {
  const coming = statisticsToCome(situation)
  const none = { purpose: 'statistics', sites: [], settled: false, missing: [], waysOut: [] } as const
  switch (coming.type) {
    case 'none':
      return []
    case 'taken':
      return [{ ...none, outlook: 'taken', reason: `every column has its mean from ${coming.from.join(', ')}` }]
    case 'under-way':
      return [{ ...none, outlook: 'waits', reason: 'another run sums a column of this study just now' }]
    case 'fails':
      return [{ ...none, outlook: 'fails', reason: coming.reason }]
    case 'round':
      return [outlookIn(situation, 'statistics', prospectsIn(coming.run, situation), coming.isSettled)]
  }
}

function outlookOf(situation: Situation, step: { readonly round: number; readonly purpose: Purpose }): SumOutlook {
  const { purpose } = step
  const known = purpose === 'train' ? undefined : runToCome(situation).partners[purpose]
  return outlookIn(situation, purpose, prospects(situation, step), known !== undefined)
}

function outlookIn(situation: Situation, purpose: Purpose, found: Prospects, isSettled: boolean): SumOutlook {
  const { aggregation } = situation.manifest.study
  const isWhole = isAmongPartners({ aggregation, purpose })
  const fate = isWhole ? fateAmongPartners(situation, purpose, found, isSettled) : fateOfAny(situation, purpose, found)
  return {
    purpose,
    sites: [...found.here],
    settled: isSettled && isWhole,
    missing: [...found.missing],
    waysOut: [],
    ...fate,
  }
}

/** Training, and everything in sealed mode: whoever is there, as long as they are enough. */
function fateOfAny({ manifest, attendance, runs }: Situation, purpose: Purpose, found: Prospects): Fate {
  const { here, missing, fewest } = found
  const { study } = manifest
  const required = requiredNow(study, attendance).filter((site) => !here.includes(site))
  if (required.length > 0)
    return {
      outlook: 'waits',
      reason: `the study requires ${required.join(', ')} (cohort.require), which ${required.length === 1 ? 'is' : 'are'} missing`,
      waysOut: ['wait until every site that the study requires attends'],
    }
  if (here.length < fewest)
    return {
      outlook: 'fails',
      reason: `${here.length} of at least ${fewest} sites can take part: it fails ${study.deadlines.recruitMs / 1000} s after it began, and two such rounds end the run`,
      waysOut: ['wait until more sites attend that approved the study, and one another'],
    }
  const repeated = purpose === 'train' ? repetition(manifest, here, runs) : undefined
  if (repeated) return { outlook: 'refused', ...repeated }
  return {
    outlook: 'made',
    reason: missing.length > 0 ? `it goes on without ${names(missing)}` : '',
  }
}

function fateAmongPartners(situation: Situation, purpose: Purpose, found: Prospects, isSettled: boolean): Fate {
  const { here, missing, fewest } = found
  const { manifest } = situation
  if (missing.length > 0) return fateOfMissing(situation, purpose, found, isSettled)
  if (here.length < fewest)
    return {
      outlook: 'fails',
      reason: `${here.length} of at least ${fewest} sites are left for it: it fails ${manifest.study.deadlines.recruitMs / 1000} s after it began`,
      waysOut: ['have more sites approve the study, and one another'],
    }
  const tired = purpose === 'evaluate' && !isSettled ? closeEvaluations(situation, here).tired : []
  if (tired.length > 0)
    return {
      outlook: 'refused',
      reason: `${tired.join(', ')} had as many evaluations by this label, in other studies, among sites that differ from these by a few as a site puts up with by default`,
      waysOut: [
        'evaluate among the sites of one of those studies (consilium run plan --without)',
        'a person there raises secure.evaluateExposuresMax in policy.yaml',
      ],
    }
  if (isSettled) return { outlook: 'made', reason: 'among its partners' }
  const out = [...situation.attendance].flatMap(([site, presence]) =>
    !presence.excluded && standsOutOf(presence, purpose) && !situation.without.includes(site) ? [site] : [],
  )
  const without = out.length > 0 ? `, without ${out.sort().join(', ')}, which takes no part now` : ''
  return {
    outlook: 'made',
    reason: `these sites become its partners, for good${without}`,
    waysOut: out.length > 0 ? ['have somebody look there first: its log and status say why it takes no part'] : [],
  }
}

/** One that lacks a partner is left out; statistics wait, for nothing goes on without them. */
function fateOfMissing(
  { name, manifest, attendance }: Situation,
  purpose: Purpose,
  { missing }: Prospects,
  isSettled: boolean,
): Fate {
  const gone = missing.filter(({ site }) => exclusion(attendance, site))
  const listed = missing.map(({ site }) => site).join(' ')
  const waysOut = [
    gone.length > 0
      ? `have ${names(gone)} approve the study again`
      : `wait until ${names(missing)} ${missing.length === 1 ? 'is' : 'are'} there`,
    isSettled
      ? `where it left for good: consilium study partners ${name} --without ${listed}${purpose === 'statistics' ? ' --purpose statistics' : ''} --key <lead key>`
      : `leave out for good: --without ${listed}`,
  ]
  if (purpose === 'evaluate')
    return {
      outlook: 'withheld',
      reason: `${names(missing)} ${missing.length === 1 ? 'is' : 'are'} missing: a gap in the curve; the last model's evaluation waits ${durationText(manifest.study.deadlines.makeUpMs)} for ${missing.length === 1 ? 'it' : 'them'}`,
      waysOut,
    }
  if (gone.length > 0)
    return { outlook: 'fails', reason: `${names(gone)} takes no part in the study any more, and the run ends`, waysOut }
  return {
    outlook: 'waits',
    reason: `nothing is trained before ${names(missing)} ${missing.length === 1 ? 'is' : 'are'} there`,
    waysOut,
  }
}

function names(missing: Prospects['missing']): string {
  return missing.map(({ site }) => site).join(', ')
}

function durationText(ms: number): string {
  const [days, hours, minutes] = [ms / 86_400_000, ms / 3_600_000, ms / 60_000]
  if (Number.isInteger(days)) return `${days} ${days === 1 ? 'day' : 'days'}`
  if (Number.isInteger(hours)) return `${hours} ${hours === 1 ? 'hour' : 'hours'}`
  return Number.isInteger(minutes) ? `${minutes} min` : `${ms / 1000} s`
}
