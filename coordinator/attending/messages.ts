/** What a site should have been told by now, worked out from the state alone: studies to decide about, and its runs. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { signedOf } from '../federation/change-record.ts'
import { studiesToOffer } from '../federation/consent.ts'
import type { Federation } from '../federation/federation.ts'
import { rotationChain } from '../federation/key-rotation.ts'
import { standingOf, wordsFor } from '../federation/partner-changes.ts'
import { offeredRoster, rosterKey } from '../federation/roster.ts'
import type { RoundOver } from '../round/over.ts'
import type { OpenRound } from '../round/round.ts'
import { pending } from '../round/verify.ts'
import type { Run } from '../run/state.ts'
import type { ToSite } from '../services.ts'
import type { Studies } from '../study/studies.ts'
import type { Replays } from '../summing/replays.ts'
import type { StoredMessages } from '../summing/stored-messages.ts'
import type { StoredSums } from '../summing/stored-sums.ts'
import type { Outgoing } from './attending.ts'
import { directory, quorum, shares, survivors, verifySum } from './secure-messages.ts'

/** Whose keys count: the coordinator's own, should it have changed, and the roster. First of all, for plans follow from it. */
export function membership(federation: Federation): Outgoing[] {
  const known = memberships.get(federation)
  if (known) return known
  const rotations = rotationChain(federation)
  const sites = offeredRoster(federation)
  const messages: Outgoing[] = [
    ...(rotations.length > 0
      ? [{ key: `keys:${rotations.length}`, message: { type: 'coordinator-keys', rotations } } as const]
      : []),
    { key: `roster:${rosterKey(sites)}`, message: { type: 'roster', sites } },
  ]
  memberships.set(federation, messages)
  return messages
}

/** The same for every site, and asked for again after every event of a run. */
const memberships = new WeakMap<Federation, Outgoing[]>()

export function studyOffers(federation: Federation, studies: Studies, site: SiteName): Outgoing[] {
  return studiesToOffer(federation, site).flatMap(({ hash }): Outgoing[] => {
    const study = studies.loaded(hash)
    return study ? [{ key: `study:${hash}`, message: { type: 'study', signedStudy: study.bytes } }] : []
  })
}

/** Every change of the partners of a study that the site approved, again once more of those whom it is about have signed. */
export function partnerChanges({ studies }: Federation, site: SiteName): Outgoing[] {
  return [...studies.values()].flatMap((record) => {
    if (record.decisions.get(site)?.decision !== 'approve') return []
    return record.changes.map((changed): Outgoing => {
      const words = wordsFor(record, changed)
      const heard = changed !== record.changes.at(-1) || !standingOf(record, changed).awaited.includes(site)
      const message = { type: 'partner-change', signed: signedOf(changed), words, heard } as const
      return { key: `partners:${changed.change.hash}:${words.length}`, message }
    })
  })
}

/** Runs that were lost with a part of the log are over, for whoever was in them. */
export function lostRunsOver({ lostRuns, losses, recoveries }: Federation): Outgoing[] {
  const last = recoveries.at(-1)
  if (losses.length > 0 || !last) return []
  const reason = `the coordinator was restored from an old copy on ${last.at}, and lost this run`
  return [...lostRuns].map((run) => {
    return { key: `run:${run}`, message: { type: 'run-over', run, outcome: 'failed', reason } }
  })
}

/** `runs` in the order of their start. Of those that ended only the newest of each study is still told of. */
export function runMessages(runs: readonly Run[], site: SiteName, sources: MessageSources): Outgoing[] {
  const newest = new Map(runs.map((run) => [run.study, run]))
  return runs
    .filter((run) => run.state === 'running' || newest.get(run.study) === run)
    .flatMap((run) => messagesFor(run, site, sources))
}

/** What messages are made of besides the state. */
export type MessageSources = {
  readonly planOf: (round: OpenRound) => SignedRoundPlan
  readonly messages: Pick<StoredMessages, 'loaded'>
  readonly sums: Pick<StoredSums, 'loaded'>
  readonly replays: Pick<Replays, 'loaded'>
}

/** In the order in which a site should hear them: what is over before what begins. */
function messagesFor(run: Run, site: SiteName, sources: MessageSources): Outgoing[] {
  const past = run.past.at(-1)
  return [
    ...(past ? roundOver(past, site) : []),
    ...(run.current ? currentRound(run.current, site, sources) : []),
    ...runOver(run, site),
  ]
}

/** What became of a round, for a site of its cohort. */
export function roundOver(round: RoundOver, site: SiteName): Outgoing[] {
  const { planHash, outcome } = round
  if (!planHash || !round.cohort.includes(site)) return []
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (dropout) return [over(planHash, 'dropped', dropout.reason)]
  if (outcome.type === 'committed') return [over(planHash, 'committed', '')]
  const { code, reason } = outcome
  return [over(planHash, code === 'too-few-contributors' ? code : 'failed', reason)]
}

/** What the phase asks of the site, until the site has answered. */
function currentRound(
  round: OpenRound,
  site: SiteName,
  { planOf, messages, sums, replays }: MessageSources,
): Outgoing[] {
  if (round.phase === 'recruit' || !round.cohort.includes(site)) return []
  const { planHash } = round
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (dropout) return [over(planHash, 'dropped', dropout.reason)]
  const assignment = { key: `assignment:${planHash}`, message: { type: 'assignment', plan: planOf(round) } } as const
  switch (round.phase) {
    case 'work':
      return [assignment]
    case 'advertise-keys':
      return round.session.advertised.has(site) ? [] : [assignment, asking({ type: 'advertise-keys', planHash })]
    case 'share-keys':
      return round.session.shared.has(site) ? [] : [directory(planHash, round.session)]
    case 'collect-updates':
      if (round.updates.has(site)) return []
      if (round.session) return [shares(planHash, round.session, site, messages)]
      return [assignment, asking({ type: 'collect-updates', planHash })]
    case 'confirm-survivors':
      return round.session.confirmed.has(site) ? [] : [survivors(planHash, round.session)]
    case 'unmask':
      if (round.session.revealed.has(site)) return []
      return [survivors(planHash, round.session), quorum(planHash, round.session)]
    case 'commit':
      return []
    case 'verify':
      if (!pending(round).includes(site) || replays.loaded(planHash, round.session) === 'missing') return []
      // Who was not needed to unmask learns of the survivors first.
      return [
        ...(round.session.confirmed.has(site) ? [] : [survivors(planHash, round.session)]),
        verifySum(round, sums, replays),
      ]
  }
}

function asking(message: Extract<ToSite, { type: 'advertise-keys' | 'collect-updates' }>): Outgoing {
  return { key: `${message.type}:${message.planHash}`, message }
}

function runOver(run: Run, site: SiteName): Outgoing[] {
  if (run.state === 'running' || !run.past.some(({ cohort }) => cohort.includes(site))) return []
  const message: ToSite = { type: 'run-over', run: run.id, outcome: run.state, reason: run.reason }
  return [{ key: `run:${run.id}`, message }]
}

function over(planHash: string, outcome: Extract<ToSite, { type: 'round-over' }>['outcome'], reason: string): Outgoing {
  return { key: `over:${planHash}`, message: { type: 'round-over', planHash, outcome, reason } }
}
