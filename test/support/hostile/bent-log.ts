/** Plans on a log that is forked, or did not make their model, once three rounds have been honest: checks S1 and S7 end them. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Lie } from './attacks.ts'

type Told = { readonly initial: string; readonly second: RoundPlan; readonly third: RoundPlan }

export function forgedAfter(
  code: Lie<'assignment'>['code'],
  change: (plan: RoundPlan, told: Told) => RoundPlan,
): Lie<'assignment'> {
  return {
    code,
    lie({ plan }: Extract<ToSite, { type: 'assignment' }>, { federation, site }) {
      const [first, second, third] = [...federation.plans.values()]
      return [
        federation.forge(site, plan, (of) => change(of, { initial: first!.model, second: second!, third: third! })),
      ]
    },
  }
}

export function flipped(hash: Uint8Array): Uint8Array {
  return hash.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
}
