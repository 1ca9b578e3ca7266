/**
 * Work, at the site: fetch the global parameters, have the trainer train, evaluate or summarise, and report progress.
 * Nothing leaves here but the share that is done.
 */
import type {
  EvaluateRequest,
  EvaluateResult,
  StatisticsResult,
  Trainer,
  TrainRequest,
  TrainResult,
} from '../train/trainer.ts'
import type { Assignment } from './assignment.ts'
import { checkpointKeeper } from './checkpoint.ts'
import { inRound } from './events.ts'
import { fetchParameters } from './global-model.ts'
import type { WorkProgress } from './progress.ts'
import { orTell } from './refuse.ts'
import type { Site } from './site.ts'
import { takeTestRows } from './test-rows.ts'

export type WorkResult =
  | ({ readonly purpose: 'statistics' } & StatisticsResult)
  | ({ readonly purpose: 'train' } & TrainResult)
  | ({ readonly purpose: 'evaluate' } & EvaluateResult)

export async function work(
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
  progress: WorkProgress,
): Promise<WorkResult> {
  const { plan, study } = assignment
  const parameters =
    plan.purpose === 'statistics' ? undefined : await fetchParameters(assignment, site, signal, progress.downloaded)
  const onProgress = progress.done
  return site.trainers.use(study, signal, (trainer) => {
    if (!parameters) return summarise(trainer, { onProgress, signal })
    const request = {
      parameters,
      onProgress,
      signal,
      ...(plan.standardisation && { standardisation: plan.standardisation }),
    }
    if (plan.purpose === 'evaluate') {
      takeTestRows(assignment, trainer.testMarks, site)
      return evaluate(trainer, request)
    }
    return train(trainer, { ...request, round: plan.round }, assignment, site)
  })
}

async function summarise(trainer: Trainer, request: Pick<TrainRequest, 'onProgress' | 'signal'>): Promise<WorkResult> {
  return { purpose: 'statistics', ...(await trainer.statistics(request)) }
}

/** From where the work on this plan stood when an agent, or its training process, ended. */
async function train(trainer: Trainer, request: TrainRequest, assignment: Assignment, site: Site): Promise<WorkResult> {
  const keeper = checkpointKeeper(assignment, site)
  const from = keeper.read()
  let isFirst = true
  const onProgress: TrainRequest['onProgress'] = (done, total) => {
    if (isFirst && done === from?.steps)
      site.emit({ type: 'work-resumed', steps: done, ...inRound(assignment.planHash, assignment.plan) })
    isFirst = false
    request.onProgress(done, total)
  }
  try {
    const result = await trainer.train({ ...request, onProgress, ...(from && { from }), onCheckpoint: keeper.keep })
    if (result.diverged) tellDiverged(result.steps, assignment, site)
    return { purpose: 'train', ...result }
  } finally {
    await keeper.settled()
  }
}

/** Told here and nowhere else: what leaves looks like any other update. */
function tellDiverged(steps: number, { planHash, plan, study }: Assignment, site: Site): void {
  const reason = `training diverged after ${steps} steps: the update of the last finite one leaves; lower the learning rate`
  const kept = { planHash, study: study.hash, code: 'update-invalid', reason }
  orTell(site, () => site.store.records.refused(kept))
  site.emit({ type: 'diverged', steps, ...inRound(planHash, plan) })
}

async function evaluate(trainer: Trainer, request: EvaluateRequest): Promise<WorkResult> {
  return { purpose: 'evaluate', ...(await trainer.evaluate(request)) }
}
