/**
 * Verify (fedsum, section E.3): the survivors of a train or statistics round check the committed sum and what is said to be
 * made of it. The run goes on from it once max(2, c + 1) of them have signed that it is right, whoever else is away or
 * disagrees; that has no deadline. Where so many can no longer be reached, the round made nothing. Means go to later studies,
 * whose sites may have pinned others and allow for more colluders: of statistics every survivor's word is waited for, a while.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Proven } from '@consilium/protos/plan/round-plan.ts'
import { type JudgedSum, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { madeHash, verifiersMin } from '@consilium/protos/strategy/made.ts'
import type { RoundCommand } from './commands.ts'
import { droppedEvent, failure, withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import { committedRound, type RoundOver } from './over.ts'
import type { Collected } from './planned.ts'
import { type Attendance, exclusion, exclusionReasons } from './presence.ts'
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

export type Verifying = Collected & {
  readonly phase: 'verify'
  readonly session: UnmaskingSession
  /** What was committed. */
  readonly committed: EventOf<'round-committed'>
  readonly judged: JudgedSum
  /** Signatures, base64. */
  readonly verified: ReadonlyMap<SiteName, string>
  readonly disputed: ReadonlyMap<SiteName, string>
  /** Of statistics: since when so many have verified it that the others are not needed here, epoch milliseconds. */
  readonly enoughSinceMs?: number
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
  if (command.type === 'judge-sum') return judge(round, command, now)
  if (command.type === 'look' && round.enoughSinceMs !== undefined) return dropSilent(round, command.attendance, now)
  return decideOnSurvivors(round, reach, command, now)
}

export function evolve(round: Verifying, event: RoundEvent): Verifying | RoundOver {
  switch (event.type) {
    case 'sum-verified': {
      const verified = new Map([...round.verified, [event.site, event.signature]])
      return closed({ ...round, verified }, event.at)
    }
    case 'sum-not-verified':
      return closed(withDispute(round, event), event.at)
    case 'site-dropped':
      return closed(withDropout(round, event), event.at)
    default:
      return evolveSurvivors(round, event)
  }
}

/** When the last of those whose word is only for later studies is not waited for any more. */
export function deadline({ enoughSinceMs, setting }: Verifying): number | undefined {
  return enoughSinceMs === undefined ? undefined : enoughSinceMs + setting.deadlines.keysMs
}

/** Over, where enough have verified the sum, and of statistics nobody is left to hear. */
function closed(round: Verifying, at: string): Verifying | RoundOver {
  const { committed, session, updates, verified, setting } = round
  if (verified.size < verifiersMin(session.plan)) return round
  if (setting.purpose === 'statistics' && pending(round).length > 0)
    return { ...round, enoughSinceMs: round.enoughSinceMs ?? Date.parse(at) }
  return { ...committedRound(round, committed, session.survivors, updates), proven: provenBy(round) }
}

/** Nobody is waited for without whom the run goes on: all that are still silent are dropped once they are due. */
function dropSilent(round: Verifying, attendance: Attendance, now: Date): RoundEvent[] {
  const { keysMs } = round.setting.deadlines
  const isDue = now.getTime() >= (deadline(round) ?? Number.POSITIVE_INFINITY)
  return pending(round).flatMap((site): RoundEvent[] => {
    const excluded = exclusion(attendance, site)
    if (excluded) return [droppedEvent(round, { site, cause: excluded, reason: exclusionReasons[excluded] }, now)]
    const reason = `it said nothing of the sum for ${keysMs} ms`
    return isDue ? [droppedEvent(round, { site, cause: 'deadline', reason }, now)] : []
  })
}

/** How many signatures are missing, and the survivors any of which can give them. */
export function awaitedVerdicts(round: Verifying): AwaitedAnswers {
  return { answers: Math.max(0, verifiersMin(round.session.plan) - round.verified.size), sites: pending(round) }
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
