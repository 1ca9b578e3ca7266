/**
 * A coordinator that plans what it likes and goes on from that plan in all that follows, up to the log: in a test that mocks
 * the coordinator's choice of a cohort by {@link bendable}, every plan is bent before it is signed while {@link planning} runs.
 */
import type * as selecting from '@consilium/coordinator/round/select-cohort.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'

type Bend = (plan: RoundPlan) => RoundPlan

const asItIs: Bend = (plan) => plan
const coordinator = { bend: asItIs }

export function bendable({ selectCohort }: typeof selecting): typeof selecting {
  return {
    selectCohort: (...of) =>
      selectCohort(...of).map((event) => {
        if (event.type !== 'cohort-selected') return event
        const plan = coordinator.bend(event.plan)
        return { ...event, plan, planHash: planHash(plan) }
      }),
  }
}

export async function planning<Result>(bend: Bend, attack: () => Promise<Result>): Promise<Result> {
  coordinator.bend = bend
  try {
    return await attack()
  } finally {
    coordinator.bend = asItIs
  }
}

/** The plan for these sites of its cohort alone. */
export function among(sites: readonly SiteName[], { cohort, secure, ...rest }: RoundPlan): RoundPlan {
  const roster = secure!.roster.filter((_, i) => sites.includes(cohort[i]!))
  return { ...rest, cohort: cohort.filter((name) => sites.includes(name)), secure: { ...secure!, roster } }
}
