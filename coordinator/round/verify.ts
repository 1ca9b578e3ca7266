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
import { droppedEvent, failure, withDropout } from './dropouts.ts'
import type { EventOf, RoundEvent } from './events.ts'
import { checked, must, mustBeSigned } from './faults.ts'
import { refuseLateUpdate } from './late-updates.ts'
import { committedRound, failedRound, type RoundOver } from './over.ts'
import type { Dropout, Planned, Update } from './planned.ts'
import { type Attendance, exclusion } from './presence.ts'
import { rosterEntry, toBase64, type UnmaskingSession } from './session.ts'
import { speakersOf } from './survivors.ts'

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
  switch (command.type) {
    case 'look':
      return isOutOfReach(round, command.attendance) ? [unverified(round, now)] : []
    case 'judge-sum':
      return judge(round, command, now)
    case 'refuse-work':
    case 'misbehave': {
      const { type, site, reason } = command
      return drop(round, { site, cause: type === 'misbehave' ? 'misbehaved' : 'refused', reason }, now)
    }
    case 'refuse-late-update':
      return refuseLateUpdate(round, command.site, now)
    default:
      return []
  }
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
      return { ...round, disputed: new Map([...round.disputed, [event.site, event.signature]]) }
    case 'site-dropped':
      return withDropout(round, event)
    case 'late-update-refused':
      return { ...round, lateSites: new Set([...round.lateSites, event.site]) }
    case 'round-failed':
      return failedRound(round, event, round.updates)
    default:
      return round
  }
}

/** How many signatures are missing, and the survivors any of which can give them. */
export function awaitedVerdicts(round: Verifying): { readonly answers: number; readonly sites: readonly SiteName[] } {
  return { answers: verifiersMin(round.session.plan) - round.verified.size, sites: pending(round) }
}

/** Those that have said nothing of the sum yet. */
export function pending(round: Verifying): SiteName[] {
  return speakersOf(round).filter((site) => !round.verified.has(site) && !round.disputed.has(site))
}

type Command = Extract<RoundCommand, { type: 'judge-sum' }>

function judge(round: Verifying, command: Command, now: Date): RoundEvent[] {
  const { site, verdict, sums, made, signature } = command
  if (!pending(round).includes(site)) return []
  const { judged, planHash, session } = round
  const { fault } = checked(() => {
    must(sums === judged.sums && made === judged.made, 'message-invalid', 'sums, made: not those that were committed')
    mustBeSigned(rosterEntry(session, site), signature, verdictMessage(verdict, judged), 'this sum')
  })
  if (fault !== undefined) return drop(round, { site, cause: 'misbehaved', reason: fault }, now)
  const [at, text] = [now.toISOString(), toBase64(signature)]
  if (verdict === 'verified') return [{ type: 'sum-verified', at, planHash, site, signature: text }]
  const event = { type: 'sum-not-verified', at, planHash, site, signature: text } as const
  return failingWhere(evolve(round, event), [event], now)
}

function drop(round: Verifying, dropout: Dropout, now: Date): RoundEvent[] {
  if (!pending(round).includes(dropout.site)) return []
  return failingWhere(withDropout(round, dropout), [droppedEvent(round, dropout, now)], now)
}

function failingWhere(next: Verifying | RoundOver, events: RoundEvent[], now: Date): RoundEvent[] {
  return next.phase === 'verify' && isOutOfReach(next) ? [...events, unverified(next, now)] : events
}

function isOutOfReach(round: Verifying, attendance?: Attendance): boolean {
  const mayCome = (site: SiteName) => !attendance || exclusion(attendance, site) === undefined
  return awaitedVerdicts(round).answers > pending(round).filter(mayCome).length
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
