/**
 * Says before a run starts that its first sum would be refused: an earlier run trained the same from the same parameters
 * with nearly the same sites, and the difference of the two sums would tell of the few (fedsum, section E.4).
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { functionHash, isClose } from '@consilium/protos/plan/same-function.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { Run } from '../run/state.ts'

/** `here`: the sites that would train. Throws `cohort-differencing` with the ways out. */
export function checkRepetition(manifest: StudyManifest, here: readonly SiteName[], runs: readonly Run[]): void {
  const { aggregation, cohort } = manifest.study
  if (aggregation.mode !== 'secure' || here.length < cohort.min) return
  const { survivorsMin } = studyThresholds({ cohort, aggregation }, here.length)
  const own = functionHash(manifest)
  for (const run of runs) {
    const before = firstSum(run, manifest.initialParameters.sha256)
    if (!before || !isClose(before, here, survivorsMin) || functionHash(run.manifest) !== own) continue
    const away = before.filter((site) => !here.includes(site))
    const more = here.filter((site) => !before.includes(site))
    throw new FederationError(
      'cohort-differencing',
      `run ${run.id} trained the same from the same parameters among ${before.join(', ')}${away.length > 0 ? `; ${away.join(', ')} is missing now` : ''}${more.length > 0 ? `; ${more.join(', ')} is new` : ''}: the sites refuse two sums that differ by so few. Wait until the same sites attend; or go on from its model (consilium run export ${run.id}, then a study with that file and initialParameters: from-model), or take another seed`,
    )
  }
}

/** The survivors of the run's training from these parameters. */
function firstSum({ past }: Run, parameters: string): readonly SiteName[] | undefined {
  return past.find(
    ({ setting, outcome }) =>
      setting.purpose === 'train' && setting.model === parameters && outcome.type === 'committed',
  )?.survivors
}
