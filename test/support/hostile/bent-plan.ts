/** Plans as the coordinator would sign them were they otherwise: check S1 ends them. */
import { generateIdentity } from '@consilium/protos/identity.ts'
import type { RoundPlan, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { Lie } from './attacks.ts'

type Changes = Partial<SecureRound>

export function forged(code: Lie<'assignment'>['code'], change: (plan: RoundPlan) => RoundPlan): Lie<'assignment'> {
  return { code, lie: ({ plan }, { federation, site }) => [federation.forge(site, plan, change)] }
}

export function secure(changes: Changes | ((round: SecureRound) => Changes)): (plan: RoundPlan) => RoundPlan {
  return (plan) => {
    const round = plan.secure!
    return { ...plan, secure: { ...round, ...(typeof changes === 'function' ? changes(round) : changes) } }
  }
}

export function withKeyOf(position: number): (round: SecureRound) => Changes {
  return ({ roster }) => ({ roster: roster.map((key, i) => (i === position ? newKey() : key)) })
}

export function newKey(): string {
  return Buffer.from(generateIdentity().publicKey).toString('base64')
}
