/**
 * Of one training from one model sites confirm no two sums whose sites differ by a few (fedsum, section E.4). So where a run
 * trains from a model again, after a sum that was not verified or a roll-back, its cohort is that of before or far from it.
 */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { isClose } from '@consilium/protos/plan/same-function.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { RoundOver } from './over.ts'
import type { RoundSetting } from './setting.ts'

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
  return [candidates, ...again].find((cohort) => before.every((sites) => !isCloseIn(setting, cohort, sites)))
}

/** Who is missing for a cohort that sites would not refuse. */
export function apartText(candidates: readonly SiteName[], { trainedAmong = [] }: AmongWhom): string {
  const missing = trainedAmong.map((sites) => sites.filter((site) => !candidates.includes(site)))
  const fewest = missing.toSorted((one, other) => one.length - other.length)[0] ?? []
  return `this model was trained from among ${trainedAmong.map((sites) => sites.join(', ')).join('; and ')}; sites refuse a second sum whose sites differ by few, and ${fewest.join(', ')} ${fewest.length === 1 ? 'is' : 'are'} missing now`
}

function isCloseIn({ aggregation, cohort }: AmongWhom, one: readonly SiteName[], other: readonly SiteName[]): boolean {
  if (aggregation.mode === 'sealed') return false
  return isClose(one, other, studyThresholds({ cohort, aggregation }, one.length).survivorsMin)
}
