/**
 * Whether the first sum of a run would be refused: an earlier run trained the same from the same parameters with nearly the
 * same sites, and the difference of the two sums would tell of the few (fedsum, section E.4).
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { functionHash, isClose } from '@consilium/protos/plan/same-function.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { Run } from '../run/state.ts'
import type { StartRefusal } from '../run-outlook.ts'

/** `here`: the sites that would train. */
export function repetition(
  manifest: StudyManifest,
  here: readonly SiteName[],
  runs: readonly Run[],
): StartRefusal | undefined {
  const { aggregation, cohort } = manifest.study
  if (aggregation.mode !== 'secure' || here.length < cohort.min) return undefined
  const { survivorsMin } = studyThresholds({ cohort, aggregation }, here.length)
  const own = functionHash(manifest)
  for (const run of runs) {
    const before = firstSum(run, manifest.initialParameters.sha256)
    if (before && isClose(before, here, survivorsMin) && functionHash(run.manifest) === own)
      return refusal(run, before, here)
  }
  return undefined
}

function refusal({ id }: Run, before: readonly SiteName[], here: readonly SiteName[]): StartRefusal {
  const away = before.filter((site) => !here.includes(site))
  const more = here.filter((site) => !before.includes(site))
  const changed = [
    ...(away.length > 0 ? [`${away.join(', ')} ${isOrAre(away)} missing now`] : []),
    ...(more.length > 0 ? [`${more.join(', ')} ${isOrAre(more)} new`] : []),
  ]
  return {
    code: 'cohort-differencing',
    reason: `run ${id} trained the same from the same parameters among ${before.join(', ')}; ${changed.join('; ')}: the sites refuse two sums that differ by so few`,
    waysOut: [
      ...(more.length === 0 ? ['wait until the same sites attend'] : []),
      `go on from its model (consilium study create <study.yaml> --from-run ${id})`,
      'take another seed',
    ],
  }
}

function isOrAre(sites: readonly SiteName[]): string {
  return sites.length === 1 ? 'is' : 'are'
}

/** The survivors of the run's training from these parameters. */
function firstSum({ past }: Run, parameters: string): readonly SiteName[] | undefined {
  return past.find(
    ({ setting, outcome }) =>
      setting.purpose === 'train' && setting.model === parameters && outcome.type === 'committed',
  )?.survivors
}
