/**
 * Of one training from one model sites confirm no two sums whose sites differ by a few (fedsum, section E.4). So where a run
 * trains from a model again, after a sum that was not verified or a roll-back, its cohort is that of before or far from it.
 */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { isClose } from '@consilium/protos/plan/same-function.ts'
import type { RoundOver } from './over.ts'
import { type RoundSetting, thresholdsOf } from './setting.ts'

type AmongWhom = Pick<RoundSetting, 'aggregation' | 'cohort' | 'trainedAmong'>

/** Whom sites were asked to confirm in sums of the training from this model, in a run's rounds so far. */
export function trainedAmong(past: readonly RoundOver[], model: Sha256): Pick<RoundSetting, 'trainedAmong'> {
  const sets = past.flatMap(({ setting, secure }) =>
    setting.purpose === 'train' && setting.model === model && secure?.asked ? [secure.asked] : [],
  )
  return sets.length > 0 ? { trainedAmong: sets } : {}
}

/** The cohort that is apart from every sum of before: all candidates, or just the sites of such a sum. Undefined: there is none. */
export function cohortApart(candidates: readonly SiteName[], setting: AmongWhom): readonly SiteName[] | undefined {
  const before = setting.trainedAmong ?? []
  const again = before.filter((sites) => sites.every((site) => candidates.includes(site)))
  return [candidates, ...again].find((cohort) => isApart(setting, cohort))
}

/** Why there is no such cohort, and what helps: whoever is missing for one, if anybody is. */
export function whyNoneApart(
  candidates: readonly SiteName[],
  setting: AmongWhom,
): { readonly reason: string; readonly wayOut: string } {
  const before = setting.trainedAmong ?? []
  const among = before.map((sites) => sites.join(', ')).join('; and ')
  const why = `this model was trained from among ${among}; sites refuse a second sum whose sites differ by few`
  const missing = missingApart(candidates, setting)
  if (missing.length === 0)
    return {
      reason: `${why}, and each of these differs by few from another of them`,
      wayOut: 'go back to the model of another round',
    }
  return {
    reason: `${why}, and ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing now`,
    wayOut: `wait until ${missing.length === 1 ? 'it attends' : 'they attend'}`,
  }
}

/** The fewest that some sum of before lacks now, which could be a cohort again; nobody where every one is close to another. */
function missingApart(candidates: readonly SiteName[], setting: AmongWhom): readonly SiteName[] {
  const before = setting.trainedAmong ?? []
  const again = before.filter((cohort) => isApart(setting, cohort))
  const missing = again.map((sites) => sites.filter((site) => !candidates.includes(site)))
  return missing.toSorted((one, other) => one.length - other.length)[0] ?? []
}

/** The thresholds are those that a sum of this cohort has. */
function isApart(setting: AmongWhom, cohort: readonly SiteName[]): boolean {
  const thresholds = thresholdsOf(setting, cohort.length)
  const before = setting.trainedAmong ?? []
  return !thresholds || before.every((sites) => !isClose(cohort, sites, thresholds.survivorsMin))
}
