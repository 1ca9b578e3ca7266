import { generateIdentity } from '@consilium/protos/identity.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Lie } from '../../../support/hostile/attacks.ts'
import { planIn } from '../../../support/hostile/recorded.ts'

export const lie: Lie<'assignment'> = {
  code: 'signature-invalid',
  lie: ({ plan }) => [{ type: 'assignment', plan: signRoundPlan(planIn(plan), generateIdentity()) }],
}
