/** What a site should be told about a run, worked out from the run's state alone. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { OpenRound, RoundOver } from '../round/round.ts'
import type { Run } from '../run/run.ts'
import type { ToSite } from '../services.ts'
import type { Outgoing } from './attending.ts'

/** In the order in which a site should hear them: what is over before what begins. */
export function messagesFor(run: Run, site: SiteName, planOf: (round: OpenRound) => SignedRoundPlan): Outgoing[] {
  const past = run.past.at(-1)
  return [
    ...(past ? roundOver(past, site) : []),
    ...(run.current ? currentRound(run.current, site, planOf) : []),
    ...runOver(run, site),
  ]
}

/** What became of a round, for a site of its cohort. */
export function roundOver(round: RoundOver, site: SiteName): Outgoing[] {
  const { planHash, outcome } = round
  if (!planHash || !round.cohort.includes(site)) return []
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (dropout) return [over(planHash, 'dropped', dropout.reason)]
  return [over(planHash, outcome.type, outcome.type === 'failed' ? outcome.reason : '')]
}

function currentRound(round: OpenRound, site: SiteName, planOf: (round: OpenRound) => SignedRoundPlan): Outgoing[] {
  if (round.phase === 'recruit' || !round.cohort.includes(site)) return []
  const { planHash } = round
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (dropout) return [over(planHash, 'dropped', dropout.reason)]
  if (round.phase === 'commit') return []
  if (round.phase === 'collect-updates' && round.updates.has(site)) return []
  const assignment = { key: `assignment:${planHash}`, message: { type: 'assignment', plan: planOf(round) } } as const
  const collect = { key: `collect:${planHash}`, message: { type: 'collect-updates', planHash } } as const
  return round.phase === 'work' ? [assignment] : [assignment, collect]
}

function runOver(run: Run, site: SiteName): Outgoing[] {
  if (run.state === 'running' || !run.past.some(({ cohort }) => cohort.includes(site))) return []
  const message: ToSite = { type: 'run-over', run: run.id, outcome: run.state, reason: run.reason }
  return [{ key: `run:${run.id}`, message }]
}

function over(planHash: string, outcome: Extract<ToSite, { type: 'round-over' }>['outcome'], reason: string): Outgoing {
  return { key: `over:${planHash}`, message: { type: 'round-over', planHash, outcome, reason } }
}
