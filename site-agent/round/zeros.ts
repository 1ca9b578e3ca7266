/**
 * A training that gives nothing, at the site (fedsum, section E.1): once work has begun under masks, nothing that hangs on
 * the records is refused, for a refusal would be one bit of the coordinator's choice about them. The site sends zeros with
 * weight 0 through every phase instead; the sum tells how many sites contributed, and only this site knows that it did not.
 */
import { errorCode, FederationError } from '@consilium/protos/errors.ts'
import { parameterCount } from '@consilium/protos/plan/signed-study.ts'
import { hangsOnData } from '@consilium/protos/refusal-codes.ts'
import { checkZeros } from '../judge.ts'
import type { Assignment } from './assignment.ts'
import { isCalledOff } from './called-off.ts'
import { inRound } from './events.ts'
import type { WorkProgress } from './progress.ts'
import { orTell, refusalOf } from './refuse.ts'
import type { Site } from './site.ts'
import { type WorkResult, work } from './work.ts'

export async function workOrZeros(
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
  progress: WorkProgress,
): Promise<WorkResult> {
  try {
    const result = usable(await work(assignment, site, signal, progress))
    const { store } = site
    if (result.purpose === 'train') checkZeros(assignment.study, result.zeroShare, { store, policy: site.readPolicy() })
    return result
  } catch (error) {
    const { plan, planHash, study } = assignment
    if (plan.purpose !== 'train' || !plan.secure || isCalledOff(error, signal) || !isOfTraining(error)) throw error
    const { code, reason } = refusalOf(error)
    const kept = { planHash, study: study.hash, code, reason: `sent zeros: ${reason}` }
    orTell(site, () => site.store.records.refused(kept))
    site.emit({ type: 'nothing-to-give', ...inRound(planHash, plan), code, reason })
    const update = new Float32Array(parameterCount(study.manifest.layout))
    return { purpose: 'train', update, examples: 0, steps: 0, loss: 0, zeroShare: 1 }
  }
}

/** Throws `update-invalid` for what no sum may hold. */
function usable(result: WorkResult): WorkResult {
  if (result.purpose === 'train' && !(Number.isFinite(result.loss) && result.update.every(Number.isFinite)))
    throw new FederationError('update-invalid', 'the update or its loss is not finite')
  return result
}

/** Of the trainer or of the data; a disk, a line or a key that failed is told as what it is. */
export function isOfTraining(error: unknown): boolean {
  const code = errorCode(error)
  return hangsOnData(code) || code === 'trainer-failed' || code === 'update-invalid'
}
