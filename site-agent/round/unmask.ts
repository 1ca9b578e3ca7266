/**
 * Unmask, at the site (fedsum, section A.4: S6): a threshold of survivors must have confirmed the very survivors that this
 * site confirmed; then it reveals one share of each sharer, of a kind that follows from U2 and U3 alone, once. The
 * release is on the disk, and the shares are gone from it, before one leaves; only the group secret stays,
 * where the sum is still to be checked.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Confirmation, Quorum, Unmask } from '@consilium/protos/secagg/messages.ts'
import { confirmMessage, signMessage, unmaskMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { assertAscending } from '@consilium/protos/secagg/transcript.ts'
import { sharesToReveal } from '@consilium/protos/secagg/unmask.ts'
import { isTagged } from '@consilium/protos/secagg/vectors.ts'
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import { dueSession, heldOf, refusedAs, type SecureCohort, sealState, secureCohort } from './session.ts'
import { knownDirectory } from './share-keys.ts'
import type { Site } from './site.ts'

/** S6. Throws `quorum-invalid` for the first check that the confirmations fail. */
export function checkQuorum(
  confirmations: readonly Confirmation[],
  confirmed: {
    readonly u3Hash: Uint8Array
    /** Of the log's head that was countersigned. */
    readonly logRoot: Uint8Array
    /** U3. */
    readonly survivors: readonly number[]
    readonly threshold: number
  },
  { roster }: Pick<SecureCohort, 'roster'>,
): void {
  refusedAs('quorum-invalid', () => {
    assertAscending(confirmations)
    const message = confirmMessage(confirmed.u3Hash, confirmed.logRoot)
    for (const { index, signature } of confirmations) {
      const entry = roster[index - 1]
      if (!entry || !confirmed.survivors.includes(index))
        throw invalid(`site ${index} is said to have confirmed and is no survivor`)
      if (!verifyMessage(entry.publicKey, signature, message))
        throw invalid(`${entry.name} did not confirm the survivors that this site confirmed`)
    }
    if (confirmations.length < confirmed.threshold)
      throw invalid(`${confirmations.length} sites confirmed the survivors, ${confirmed.threshold} are needed`)
  })
}

/** Answers a quorum; asked again, with the very same shares. */
export function unmask(
  { planHash, confirmations }: Quorum,
  assignment: Assignment,
  site: Pick<Site, 'name' | 'identity' | 'store' | 'emit'>,
): Unmask {
  const session = dueSession(planHash, site)
  const { state, record } = session
  if (state.unmask) return state.unmask
  const { directory, sharers, survivors, logHead } = state
  if (!directory || !sharers || !survivors || !logHead || !record.u3Hash)
    throw invalid('this site has confirmed no survivors of this round')
  const cohort = secureCohort(assignment, site.name)
  const { sid, thresholds } = knownDirectory(directory, assignment, site.name)
  const u3Hash = Buffer.from(record.u3Hash, 'hex')
  const [u2, u3] = [indices(sharers), indices(survivors)]
  const logRoot = Buffer.from(logHead.root, 'hex')
  checkQuorum(confirmations, { u3Hash, logRoot, survivors: u3, threshold: thresholds.threshold }, cohort)
  const held = heldOf(session)
  const revealed = sharesToReveal(u2, u3, held)
  const signature = signMessage(site.identity, unmaskMessage(sid, u3Hash, cohort.index, revealed))
  const message = { type: 'unmask', planHash, revealed, signature } as const
  const { held: _, ...rest } = state
  const { group: _group, ...untagged } = rest
  const kept = isTagged(assignment.plan.purpose) ? rest : untagged
  site.store.sessions.release(planHash, sealState({ ...kept, unmask: message }, planHash, site))
  // Of each share the half that was not revealed is needed no more.
  for (const { index, kind } of revealed) held.get(index)![kind === 's' ? 'b' : 's'].fill(0)
  site.emit({ type: 'unmasked', ...inRound(planHash, assignment.plan) })
  return message
}

function indices(sites: readonly { readonly index: number }[]): number[] {
  return sites.map(({ index }) => index)
}

function invalid(why: string): FederationError {
  return new FederationError('quorum-invalid', why)
}
