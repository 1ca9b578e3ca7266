/** What a site should have been told by now, worked out from the state alone: studies to decide about, and its runs. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { studiesToOffer } from '../federation/consent.ts'
import type { Federation } from '../federation/federation.ts'
import type { OpenRound, RoundOver } from '../round/round.ts'
import type { Run } from '../run/run.ts'
import type { ToSite } from '../services.ts'
import type { Studies } from '../study/studies.ts'
import type { Outgoing } from './attending.ts'

export function studyOffers(federation: Federation, studies: Studies, site: SiteName): Outgoing[] {
  return studiesToOffer(federation, site).flatMap(({ hash }): Outgoing[] => {
    const study = studies.loaded(hash)
    return study ? [{ key: `study:${hash}`, message: { type: 'study', signedStudy: study.bytes } }] : []
  })
}

/** `runs` in the order of their start. Of those that ended only the newest of each study is still told of. */
export function runMessages(
  runs: readonly Run[],
  site: SiteName,
  planOf: (round: OpenRound) => SignedRoundPlan,
): Outgoing[] {
  const newest = new Map(runs.map((run) => [run.study, run]))
  return runs
    .filter((run) => run.state === 'running' || newest.get(run.study) === run)
    .flatMap((run) => messagesFor(run, site, planOf))
}

/** In the order in which a site should hear them: what is over before what begins. */
function messagesFor(run: Run, site: SiteName, planOf: (round: OpenRound) => SignedRoundPlan): Outgoing[] {
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
