/** The signed plans of the rounds under way. */
import type { Identity } from '@consilium/protos/identity.ts'
import type { RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import { type SignedRoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { OpenRound } from '../round/round.ts'

/** Signs the plan of a round once; a signature takes milliseconds. */
export function signedPlans(identity: Identity): (round: OpenRound) => SignedRoundPlan {
  const signed = new Map<RunId, { readonly planHash: Sha256; readonly plan: SignedRoundPlan }>()
  return (round) => {
    if (round.phase === 'recruit') throw new Error('a round has no plan before its cohort is selected')
    const { plan, planHash } = round
    const known = signed.get(plan.run)
    if (known?.planHash === planHash) return known.plan
    const fresh = signRoundPlan(plan, identity)
    signed.set(plan.run, { planHash, plan: fresh })
    return fresh
  }
}
