/** The cohort of a round is fixed, and with it the plan that every site of it gets. */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan, roundPlanFormat } from '@consilium/protos/plan/round-plan.ts'
import type { RoundEvent } from './events.ts'
import type { Attendance } from './presence.ts'
import { type RoundSetting, thresholdsOf } from './setting.ts'

/** The event that fixes them; nothing as long as the head of the log does not cover the model that the round starts from. */
export function selectCohort(
  setting: RoundSetting,
  cohort: readonly SiteName[],
  attendance: Attendance,
  logHead: LogHead,
  now: Date,
): RoundEvent[] {
  // The head that the plan names must prove where its model comes from: the next look has one that does.
  if (setting.modelEntry !== undefined && logHead.size <= setting.modelEntry) return []
  const { round, purpose } = setting
  const plan = planOf(setting, cohort, attendance, logHead)
  return [{ type: 'cohort-selected', at: now.toISOString(), round, purpose, plan, planHash: planHash(plan) }]
}

function planOf(
  setting: RoundSetting,
  cohort: readonly SiteName[],
  attendance: Attendance,
  logHead: LogHead,
): RoundPlan {
  const { run, study, round, purpose, model, modelEntry, standardisation, proven, runPublicKey, vectors, columns } =
    setting
  if (setting.attempt) {
    const { number, after, before } = setting.attempt
    return { ...before, logHead, attempt: { number, after } }
  }
  const thresholds = thresholdsOf(setting, cohort.length)
  return {
    format: roundPlanFormat,
    run,
    study,
    round,
    purpose,
    cohort: [...cohort],
    model,
    ...(standardisation && { standardisation }),
    ...(thresholds && columns && { columns: [...columns] }),
    logHead,
    ...(modelEntry !== undefined && { modelEntry }),
    ...(thresholds
      ? {
          ...(proven && { proven }),
          secure: {
            roster: cohort.map((site) => attendance.get(site)!.identityPublicKey),
            ...thresholds,
            vectors: [...vectors],
          },
        }
      : { runPublicKey }),
  }
}
