/**
 * Verify (fedsum, section E.3): the survivors of a train or statistics round check the committed sum and what is said to be
 * made of it. The run goes on from it once max(2, c + 1) of them have signed that it is right, whoever else is away or
 * disagrees; the phase has no deadline. Where so many can no longer be reached, the round made nothing.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Proven } from '@consilium/protos/plan/round-plan.ts'
import { type JudgedSum, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { madeHash, verifiersMin } from '@consilium/protos/strategy/made.ts'
import type { RoundCommand } from './commands.ts'
import { failure } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import { committedRound, type RoundOver } from './over.ts'
import type { Planned, Update } from './planned.ts'
import { rosterEntry, toBase64, type UnmaskingSession } from './session.ts'
import {
  type AwaitedAnswers,
  decideOnSurvivors,
  evolveSurvivors,
  failingWhere,
  type Reach,
  speakersOf,
  takeFromSurvivor,
} from './survivors.ts'

export type Verifying = Planned & {
  readonly phase: 'verify'
  readonly updates: ReadonlyMap<SiteName, Update>
  readonly lateSites: ReadonlySet<SiteName>
  readonly session: UnmaskingSession
  /** What was committed. */
  readonly committed: EventOf<'round-committed'>
  readonly judged: JudgedSum
  /** Signatures, base64. */
  readonly verified: ReadonlyMap<SiteName, string>
  readonly disputed: ReadonlyMap<SiteName, string>
}

/** The phase after a commit; undefined where what was committed steers nothing. */
export function verifying(
  round: Omit<Verifying, 'phase' | 'committed' | 'judged' | 'verified' | 'disputed'>,
  committed: EventOf<'round-committed'>,
): Verifying | undefined {
  const { planHash, result, sums } = committed
  if (result.purpose === 'evaluate' || sums === undefined) return undefined
  const { run } = round.setting
  const judged = { run, purpose: result.purpose, planHash, sums, made: madeHash(result) }
  return { ...round, phase: 'verify', committed, judged, verified: new Map(), disputed: new Map() }
}

export function decide(round: Verifying, command: RoundCommand, now: Date): RoundEvent[] {
  return command.type === 'judge-sum' ? judge(round, command, now) : decideOnSurvivors(round, reach, command, now)
}

export function evolve(round: Verifying, event: RoundEvent): Verifying | RoundOver {
  switch (event.type) {
    case 'sum-verified': {
      const verified = new Map([...round.verified, [event.site, event.signature]])
      const next = { ...round, verified }
      if (verified.size < verifiersMin(round.session.plan)) return next
      const { committed, session, updates } = round
      return { ...committedRound(round, committed, session.survivors, updates), proven: provenBy(next) }
    }
    case 'sum-not-verified':
      return withDispute(round, event)
    default:
      return evolveSurvivors(round, event)
  }
}

/** How many signatures are missing, and the survivors any of which can give them. */
export function awaitedVerdicts(round: Verifying): AwaitedAnswers {
  return { answers: verifiersMin(round.session.plan) - round.verified.size, sites: pending(round) }
}

/** Those that have said nothing of the sum yet. */
export function pending(round: Verifying): SiteName[] {
  return speakersOf(round).filter((site) => !round.verified.has(site) && !round.disputed.has(site))
}

const reach: Reach<Verifying> = { awaited: awaitedVerdicts, lost: unverified }

type Command = Extract<RoundCommand, { type: 'judge-sum' }>

function judge(round: Verifying, { site, verdict, sums, made, signature }: Command, now: Date): RoundEvent[] {
  const { judged, planHash, session } = round
  const said = { at: now.toISOString(), planHash, site, signature: toBase64(signature) }
  return takeFromSurvivor(round, reach, now, {
    site,
    awaited: pending(round),
    check: () => {
      must(sums === judged.sums && made === judged.made, 'message-invalid', 'sums, made: not those that were committed')
      mustBeSigned(rosterEntry(session, site), signature, verdictMessage(verdict, judged), 'this sum')
    },
    taken: () => {
      if (verdict === 'verified') return [{ type: 'sum-verified', ...said }]
      return failingWhere(withDispute(round, said), reach, [{ type: 'sum-not-verified', ...said }], now)
    },
  })
}

function withDispute(round: Verifying, { site, signature }: { site: SiteName; signature: string }): Verifying {
  return { ...round, disputed: new Map([...round.disputed, [site, signature]]) }
}

function unverified({ setting, verified, disputed, session }: Verifying, now: Date): EventOf<'round-failed'> {
  const doubted = disputed.size > 0 ? `; ${[...disputed.keys()].join(', ')} found it wrong` : ''
  const reason = `${verified.size} of ${verifiersMin(session.plan)} sites verified the sum${doubted}`
  return failure(setting, 'round-unverified', reason, now)
}

function provenBy({ judged, verified }: Verifying): Proven {
  const signed = [...verified].map(([site, signature]) => ({ site, signature }))
  return { planHash: judged.planHash, sums: judged.sums, verified: signed }
}
