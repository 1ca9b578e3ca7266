import { type RoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'survivors'> = {
  code: 'already-uploaded',
  lie(message, { federation, plan, site }) {
    const other = (of: RoundPlan) => ({ ...of, secure: { ...of.secure!, colluders: 2 } })
    return [message, federation.forgeBeside(site, signRoundPlan(plan, federation.identity), other)]
  },
}
