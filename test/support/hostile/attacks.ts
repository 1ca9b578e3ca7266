/** Attacks of one family in one run: round r of the run is the r-th attack, and every one is refused on its own. */
import type { FromSite, ToSite } from '@consilium/coordinator/services.ts'
import type { LogProof } from '@consilium/protos/control-messages.ts'
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import type { AgentEvent } from '@consilium/site-agent/round/events.ts'
import { type HostileFederation, hostileFederation } from './federation.ts'
import type { Heard } from './recorded.ts'
import { leaks } from './secrecy.ts'
import { type Shown, sharersShown } from './solver.ts'

export type Attack<Type extends ToSite['type']> = {
  readonly what: string
  /** With which the site that is attacked refuses. */
  readonly code: ErrorCode
  /** What the site is told in place of the message. */
  readonly lie?: (message: Extract<ToSite, { type: Type }>, at: Scene) => readonly ToSite[]
  /** What the site is proven in place of the proof it asks for with a plan. */
  readonly proof?: (proof: LogProof) => LogProof
}

/** A lie as its file has it, which is named after it. */
export type Lie<Type extends ToSite['type']> = Omit<Attack<Type>, 'what'>

/** One site in one round. */
export type Scene = {
  readonly federation: HostileFederation
  readonly plan: RoundPlan
  readonly site: SiteName
  /** Identity of a site, as one that colludes would lend it. */
  readonly identity: (site: SiteName) => Identity
}

export type AttackResult = {
  readonly what: string
  /** What the site refused with, and what the coordinator's log says of the site in that round. */
  readonly site: readonly string[]
  readonly log: readonly string[]
}

/** The site under attack. */
export const target = 'zurich'

/**
 * Tells `target` one lie a round, in place of its first message of this type, and runs on to the end with the three
 * others. Whatever any site says in such a round waits until the target has refused.
 */
export async function attackEachRound<Type extends ToSite['type']>(
  type: Type,
  attacks: readonly Attack<Type>[],
  changes: Partial<StudyInput> = {},
) {
  const lied = new Set<number>()
  const attackIn = (plan: RoundPlan | undefined) => (plan?.purpose === 'train' ? attacks[plan.round - 1] : undefined)
  const held = openHeld()
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      const attack = attackIn(plan)
      if (site !== target || !plan || !attack?.lie || message.type !== type || lied.has(plan.round)) return [message]
      lied.add(plan.round)
      const told = attack.lie(message as Extract<ToSite, { type: Type }>, sceneOf(at, plan, site))
      held.begin(told.length)
      return told
    },
    fromSite: (heard, at) => held.pass(heard, at),
    takesUpload(site) {
      if (site === target) held.answered()
      return false
    },
    proveLog(proof, { site, seq }, at) {
      const plan = [...at.plans.values()].at(-1)
      const attack = attackIn(plan)
      if (site !== target || seq === undefined || !attack?.proof) return proof
      held.begin(1)
      return attack.proof(proof)
    },
  })
  const view = await federation.run({ rounds: attacks.length, ...changes })
  const entries = await federation.entries(runStream(view.run))
  const results = attacks.map(
    ({ what }, i): AttackResult => ({
      what,
      site: refusalsOf(federation, target, i + 1),
      log: droppedIn(federation, entries, target, i + 1),
    }),
  )
  return { state: view.state, results, leaks: await leaks(federation) }
}

/** Holds what sites say about rounds from a lie on until the target has refused, or answered all it was told. */
function openHeld() {
  let waiting: (() => void)[] | undefined
  let answersDue = 0
  const release = () => {
    const all = waiting ?? []
    waiting = undefined
    queueMicrotask(() => {
      for (const say of all) say()
    })
  }
  const answered = () => {
    answersDue -= 1
    if (answersDue === 0) release()
  }
  return {
    begin(answers: number) {
      answersDue = answers
      waiting ??= []
    },
    /** By an upload, which is no message. */
    answered,
    pass({ site, message }: Heard, federation: HostileFederation): readonly FromSite[] {
      if (!waiting || !('planHash' in message) || message.type === 'progress') return [message]
      if (site === target && message.type === 'refusal') {
        release()
        return [message]
      }
      waiting.push(() => federation.hear(site, message))
      if (site === target && !isRepeated(message, federation)) answered()
      return []
    },
  }
}

/** What a site was asked again it says again, and answers no lie by it. */
function isRepeated(message: FromSite, { recorded }: HostileFederation): boolean {
  const text = JSON.stringify(message)
  return recorded.heard.filter((one) => one.site === target && JSON.stringify(one.message) === text).length > 1
}

/** Lets no refusal through before `count` came: the first one could end the round before the others have looked. */
export function gatherRefusals(count: number) {
  const waiting: (() => void)[] = []
  return ({ site, message }: Heard, federation: HostileFederation): readonly FromSite[] => {
    if (message.type !== 'refusal' || waiting.length === count) return [message]
    waiting.push(() => federation.hear(site, message))
    if (waiting.length === count)
      queueMicrotask(() => {
        for (const say of waiting) say()
      })
    return []
  }
}

export function sceneOf(federation: HostileFederation, plan: RoundPlan, site: SiteName): Scene {
  return { federation, plan, site, identity: (of) => federation.joined.get(of)!.identity }
}

/** The session as the site was shown it. */
export function shownTo({ federation, plan, site }: Scene): Shown {
  const shown = sharersShown(federation.recorded, planHash(plan), plan, site)[0]
  if (!shown) throw new Error(`${site} was told of no sharers yet`)
  return shown
}

/** What every attack of a family comes to where all goes well. */
export function refused(attacks: readonly { readonly what: string; readonly code: ErrorCode }[]) {
  const results = attacks.map(({ what, code }) => ({ what, site: [code], log: [code] }))
  return { state: 'finished', results, leaks: [] }
}

/** Codes with which the site refused a training round, in its own log. */
export function refusalsOf(federation: HostileFederation, site: SiteName, round?: number): string[] {
  return federation.agents.get(site)!.events.flatMap((event) => {
    if (event.type !== 'refused') return []
    const plan = federation.plans.get(federation.trueHash(site, event.planHash ?? ''))
    return round === undefined || (plan?.round === round && plan.purpose === 'train') ? [event.code] : []
  })
}

/** Codes that the coordinator's log gives for dropping the site from a training round. */
export function droppedIn(
  { plans }: HostileFederation,
  entries: readonly LogEntry[],
  site: SiteName,
  round?: number,
): string[] {
  return entries.flatMap(({ type, body }) => {
    if ((type !== 'site-dropped' && type !== 'late-update-refused') || body.site !== site) return []
    const plan = plans.get(body.planHash as Sha256)
    const isMeant = round === undefined || (plan?.round === round && plan.purpose === 'train')
    return isMeant ? [codeOf(String(body.reason))] : []
  })
}

/** The code at the start of a reason, which an update that comes late repeats. */
export function codeOf(reason: string): string {
  return reason.replace('the site was dropped from this round: ', '').split(':')[0]!
}

/** What any honest site refused, whatever it was. */
export function refusals({ agents }: HostileFederation): readonly AgentEvent[] {
  return [...agents.values()].flatMap(({ events }) => events.filter(({ type }) => type === 'refused'))
}
