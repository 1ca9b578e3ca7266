/**
 * One secure round as an auditor follows it (fedsum, section A.3): every hash worked out anew from what the sites signed,
 * every signature verified under the roster, and no share that U2 and U3 do not call for. It trusts no field of an event
 * that it can derive.
 */
import type { RoundPlan, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'
import type { RoundEvent } from '../round/events.ts'
import { advertised, complained, directoryFixed, keysShared, sharersFixed } from './keys-audit.ts'
import { fromBase64, present, require } from './refuse.ts'
import { fixed, type Given, type SessionAudit } from './session-audit.ts'
import { announced, confirmed, released, survivorsFixed } from './sum-audit.ts'

/** What a round came to, as the table of a report shows it. */
export type SecureCounts = {
  /** |U1|, |U2|, |U3|; 0 for a set that was never fixed. */
  readonly advertised: number
  readonly shared: number
  readonly survivors: number
  readonly confirmations: number
  readonly releases: number
  /** t; 0 before the directory was fixed. */
  readonly threshold: number
}

export type SecureRoundAudit = {
  take(event: RoundEvent, given: Given): void
  /** Throws `log-broken` where the round could not have been committed. */
  checkCommitted(): void
  /** U3; throws `log-broken` before it was fixed. */
  survivors(): readonly RosterEntry[]
  counts(): SecureCounts
}

export function auditSecureRound(
  plan: RoundPlan & { readonly secure: SecureRound },
  planHash: string,
): SecureRoundAudit {
  const sites = plan.cohort.map((name, i): RosterEntry => {
    return {
      index: i + 1,
      name,
      publicKey: fromBase64(present(plan.secure.roster[i], `${name} has no key in the plan`)),
    }
  })
  const round: SessionAudit = {
    plan,
    planHash: Buffer.from(planHash, 'hex'),
    sites,
    advertised: new Map(),
    shared: new Map(),
    roots: new Map(),
    received: new Set(),
    confirmed: new Set(),
    released: new Set(),
  }
  return {
    take: (event, given) => take(round, event, given),
    checkCommitted() {
      const { confirmed, released } = round
      const { threshold } = fixed(round.session, 'a directory').thresholds
      require(round.survivors !== undefined, 'it was committed without survivors')
      require(confirmed.size >= threshold, `${confirmed.size} of ${threshold} survivors confirmed`)
      require(released.size >= threshold, `${released.size} of ${threshold} survivors released their shares`)
    },
    survivors: () => fixed(round.survivors, 'U3').sites,
    counts: () => ({
      advertised: round.session?.sites.length ?? 0,
      shared: round.sharers?.sites.length ?? 0,
      survivors: round.survivors?.sites.length ?? 0,
      confirmations: round.confirmed.size,
      releases: round.released.size,
      threshold: round.session?.thresholds.threshold ?? 0,
    }),
  }
}

function take(round: SessionAudit, event: RoundEvent, { message, checkHead }: Given): void {
  switch (event.type) {
    case 'keys-advertised':
      advertised(round, event)
      return
    case 'directory-fixed':
      directoryFixed(round, event)
      return
    case 'keys-shared':
      keysShared(round, event, message)
      return
    case 'sharers-fixed':
      sharersFixed(round, event)
      return
    case 'complaint-received':
      complained(round, event)
      return
    case 'update-announced':
      announced(round, event)
      return
    case 'update-received':
      require(round.roots.has(event.site), `${event.site} announced no masked update`)
      round.received.add(event.site)
      return
    case 'survivors-fixed':
      survivorsFixed(round, event)
      checkHead(event.logHead)
      return
    case 'survivors-confirmed':
      confirmed(round, event)
      return
    case 'shares-revealed':
      released(round, event, message)
      return
  }
}
