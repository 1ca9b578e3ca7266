/** Lies of one site in one run: round r of the run is the r-th lie, and each comes to its own end. */
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { droppedIn, target } from './attacks.ts'
import { type HostileFederation, hostileFederation } from './federation.ts'
import { leaks } from './secrecy.ts'
import type { Moment, SiteLies } from './site.ts'

/** What one lying site does in one round. */
export type SiteAttack = {
  readonly what: string
  readonly lies: SiteLies
  /** What the other sites say only after this one, for its own would come too late to count. */
  readonly first?: 'confirm' | 'unmask'
  /** Codes in the coordinator's log for which the site is dropped, or its late update refused. */
  readonly log: readonly ErrorCode[]
  /** Codes with which its uploads end, `OK` for one that is kept. */
  readonly uploads: readonly string[]
  /** `committed`, or the code with which the whole round fails. */
  readonly round: string
}

/** A lie as its file has it, which is named after it. */
export type SiteLie = Omit<SiteAttack, 'what'>

export const honestSite: SiteAttack = { what: 'nothing', log: [], uploads: ['OK'], round: 'committed', lies: {} }

/** One lie of `target` in each round, with three honest sites beside it. */
export async function lieEachRound(attacks: readonly SiteAttack[]) {
  const liesIn = ({ plan }: Moment): SiteLies => (plan.purpose === 'train' ? (attacks[plan.round - 1]?.lies ?? {}) : {})
  const lies: SiteLies = {
    say: (message, at) => liesIn(at).say?.(message, at) ?? [message],
    words: (words, at) => liesIn(at).words?.(words, at) ?? words,
    upload: (upload, at) => liesIn(at).upload?.(upload, at) ?? at.put(upload),
  }
  const waiting: (() => void)[] = []
  const spoken = new Set<number>()
  await using federation = await hostileFederation({
    sites: { [target]: lies },
    fromSite({ site, message }, at) {
      const plan = at.planOf(message)
      const attack = plan?.purpose === 'train' ? attacks[plan.round - 1] : undefined
      if (!plan || message.type !== attack?.first || spoken.has(plan.round)) return [message]
      if (site === target) {
        spoken.add(plan.round)
        queueMicrotask(() => {
          for (const say of waiting.splice(0)) say()
        })
        return [message]
      }
      waiting.push(() => at.hear(site, message))
      return []
    },
  })
  const view = await federation.run({ rounds: attacks.length })
  const entries = await federation.entries(runStream(view.run))
  const results = attacks.map(({ what }, i) => ({
    what,
    log: droppedIn(federation, entries, target, i + 1),
    uploads: outcomesOf(federation, i + 1),
    round: endOf(entries, federation, i + 1),
  }))
  return { state: view.state, results, leaks: await leaks(federation) }
}

/** What every lie of a family comes to where all goes well. */
export function withstood(attacks: readonly SiteAttack[]) {
  const results = attacks.map(({ what, log, uploads, round }) => ({ what, log, uploads, round }))
  return { state: 'finished', results, leaks: [] }
}

function outcomesOf({ hostile, plans }: HostileFederation, round: number): string[] {
  return hostile.get(target)!.outcomes.flatMap(({ planHash: hash, status, code }) => {
    const plan = plans.get(hash)
    return plan?.round === round && plan.purpose === 'train' ? [code ?? status] : []
  })
}

function endOf(entries: readonly LogEntry[], { plans }: HostileFederation, round: number): string | undefined {
  return entries
    .flatMap(({ type, body }) => {
      if (type === 'round-failed' && body.round === round && body.purpose === 'train') return [String(body.code)]
      const plan = type === 'round-committed' ? plans.get(body.planHash as Sha256) : undefined
      return plan?.round === round && plan.purpose === 'train' ? ['committed'] : []
    })
    .at(0)
}
