/** All that bears on whether a study can be run now, and on how far it would come. */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Attendance } from '../round/presence.ts'
import { withColumnsOfBefore } from '../run/columns-of-before.ts'
import { startedRun } from '../run/run.ts'
import type { Partners, Run } from '../run/state.ts'

export type Situation = {
  readonly hash: Sha256
  readonly name: string
  readonly manifest: StudyManifest
  /** Every site that decided about the study. */
  readonly attendance: Attendance
  /** Sites of the federation, by name. */
  readonly enrolled: readonly SiteName[]
  readonly decisions: ReadonlyMap<SiteName, { readonly decision: 'approve' | 'reject' | 'refused' }>
  readonly isAttending: (site: SiteName) => boolean
  /** All of the coordinator, in the order of their start. */
  readonly runs: readonly Run[]
  /** Left out of statistics and evaluations, as `run start --without` would. */
  readonly without: readonly SiteName[]
  /** Whom its statistics and evaluations are among, as far as that is settled. */
  readonly partners: Partners
  readonly now: Date
}

/** The run as it would be right after its start. */
export function runToCome(situation: Situation): Run {
  const { hash, name, manifest, partners, without, now } = situation
  const keys = { publicKey: '', sealedSecretKey: '' }
  const run = startedRun(
    { type: 'run-started', at: now.toISOString(), run: `${name}-to-come`, study: hash, ...keys },
    manifest,
  )
  return withColumnsOfBefore({ ...run, without, partners }, situation.runs, now)
}
