/**
 * The sum of a round between its commit and the word of enough sites, as an auditor follows it (fedsum, section E.3): each
 * word is signed by a survivor, over the very sum and result that were committed.
 */
import type { RunId } from '@consilium/protos/plan/names.ts'
import type { Proven, SecureRound } from '@consilium/protos/plan/round-plan.ts'
import { type JudgedSum, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'
import { type Made, madeHash, verifiersMin } from '@consilium/protos/strategy/made.ts'
import type { EventOf } from '../round/events.ts'
import { fromBase64, present, require } from './refuse.ts'
import { memberOf, signedBy } from './session-audit.ts'

/** What a round made, and the entry of the run's log that says so. */
export type MadeResult = {
  readonly result: Made
  readonly seq: number
  readonly round: number
  readonly proven?: Proven
  /** The parameters themselves, where they were made again. */
  readonly parameters?: Float32Array
}

export type SumVerification = {
  /** The result with those who verified it, as soon as they are enough, of statistics once nobody is left to hear. */
  take(event: EventOf<'sum-verified' | 'sum-not-verified' | 'site-dropped'>): MadeResult | undefined
}

export function auditVerification(
  run: RunId,
  secure: SecureRound,
  { planHash, sums }: EventOf<'round-committed'>,
  made: MadeResult,
  survivors: readonly RosterEntry[],
): SumVerification {
  const { result } = made
  const committed = present(sums, 'it names no sum')
  const judged: JudgedSum = { run, purpose: result.purpose, planHash, sums: committed, made: madeHash(result) }
  const heard = new Set<string>()
  const verified: { site: string; signature: string }[] = []
  return {
    take(event) {
      const { site } = event
      if (event.type === 'site-dropped') return whereDone(new Set([...heard, site]))
      const { type, signature } = event
      const { name, publicKey } = memberOf(survivors, site, 'U3')
      const message = verdictMessage(type === 'sum-verified' ? 'verified' : 'sum-not-verified', judged)
      signedBy(name, publicKey, fromBase64(signature), message, 'its word on the sum')
      require(!heard.has(name), `${name} judged the sum twice`)
      heard.add(name)
      if (type === 'sum-verified') verified.push({ site, signature })
      return whereDone(heard)
    },
  }

  function whereDone(out: ReadonlySet<string>): MadeResult | undefined {
    for (const site of out) heard.add(site)
    const isDone = result.purpose !== 'statistics' || survivors.every(({ name }) => heard.has(name))
    if (!isDone || verified.length < verifiersMin(secure)) return undefined
    return { ...made, proven: { planHash, sums: committed, verified } }
  }
}
