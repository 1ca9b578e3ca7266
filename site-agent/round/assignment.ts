/** What a site has taken up: a plan that passed every check, for a study that was approved here. */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'

/** A study by its hash, as approved at this site. */
export type NamedStudy = { readonly hash: Sha256; readonly manifest: StudyManifest }

/** A plan that passed every check of the recruit phase. */
export type Assignment = { readonly planHash: Sha256; readonly plan: RoundPlan; readonly study: NamedStudy }
