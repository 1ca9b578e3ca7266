/**
 * Confirm survivors, at the site (fedsum, section A.4: S5, and A.9): everything U3 must satisfy before this site signs it.
 * It signs one set of survivors for a session, ever, with the head of the log that it countersigns.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { differing, isClose } from '@consilium/protos/plan/same-function.ts'
import type { Confirm, Survivor, Survivors } from '@consilium/protos/secagg/messages.ts'
import { confirmMessage, inputMessage, signMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import { assertAscending, survivorsHash } from '@consilium/protos/secagg/transcript.ts'
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import { checkHead } from './lineage.ts'
import { checkWhole, sumsOfSameFunction } from './partners.ts'
import { dueSession, isSame, refusedAs, type SecureCohort, type Session, sealState, secureCohort } from './session.ts'
import { knownDirectory } from './share-keys.ts'
import type { Site } from './site.ts'

/** What the session holds by now: who may survive, and what this site itself uploaded. */
export type MaskedSession = {
  readonly sid: Uint8Array
  readonly u2Hash: Uint8Array
  readonly thresholds: Thresholds
  /** U2. */
  readonly sharers: readonly number[]
  readonly ownRoot: Uint8Array
}

/** S5 but for the log and the sums before. Returns U3hash; throws `survivors-invalid` for the first check that U3 fails. */
export function checkSurvivors(
  survivors: readonly Survivor[],
  { sid, u2Hash, thresholds, sharers, ownRoot }: MaskedSession,
  { index, roster }: Pick<SecureCohort, 'index' | 'roster'>,
): Uint8Array {
  return refusedAs('survivors-invalid', () => {
    assertAscending(survivors)
    for (const survivor of survivors) {
      const entry = roster[survivor.index - 1]
      if (!entry || !sharers.includes(survivor.index))
        throw invalid(`site ${survivor.index} is said to have survived and never shared its keys`)
      if (!verifyMessage(entry.publicKey, survivor.signature, inputMessage(sid, u2Hash, survivor.index, survivor.root)))
        throw invalid(`the upload of ${entry.name} is not signed with its identity for these sharers`)
    }
    const mine = survivors.find((survivor) => survivor.index === index)
    if (!mine) throw invalid('this site is not among the survivors: it does not help to unmask a sum without it')
    if (Buffer.compare(mine.root, ownRoot) !== 0) throw invalid('the upload of this site is not the one it made')
    if (survivors.length < thresholds.survivorsMin)
      throw invalid(`${survivors.length} sites survived, a sum needs ${thresholds.survivorsMin}`)
    return survivorsHash(sid, u2Hash, survivors)
  })
}

/**
 * A.9 and E.4: sums of the same function of the same parameters whose survivors differ by fewer sites than a sum must have
 * would give away the sum of those few. Throws `cohort-differencing`.
 */
export function checkDifferencing(
  survivors: readonly string[],
  earlier: readonly { readonly run: string; readonly round: number; readonly survivors: readonly string[] }[],
  survivorsMin: number,
): void {
  for (const sum of earlier) {
    if (isClose(survivors, sum.survivors, survivorsMin))
      throw new FederationError(
        'cohort-differencing',
        `this sum and that of round ${sum.round} of run ${sum.run} are of the same training from the same model and differ by ${differing(survivors, sum.survivors)} of ${survivorsMin} sites: their difference would give those away`,
      )
  }
}

/** Answers a survivor set; the same one gets the same answer, another one is refused as `survivors-conflict`. */
export async function confirmSurvivors(
  { planHash, survivors, logHead }: Survivors,
  assignment: Assignment,
  site: Pick<Site, 'name' | 'identity' | 'store' | 'link' | 'emit' | 'readPolicy'>,
  signal: AbortSignal,
): Promise<Confirm> {
  const { plan } = assignment
  const session = dueSession(planHash, site)
  const { state } = session
  if (state.confirm) {
    if (isSame([survivors, logHead], [state.survivors, state.logHead])) return state.confirm
    throw new FederationError(
      'survivors-conflict',
      'this site has confirmed other survivors of this round, or another log: it confirms once',
    )
  }
  const cohort = secureCohort(assignment, site.name)
  const u3Hash = checkSurvivors(survivors, maskedSession(session, assignment, site.name), cohort)
  const names = survivors.map(({ index }) => plan.cohort[index - 1]!)
  checkWhole(plan, names, site)
  if (plan.purpose === 'train')
    checkDifferencing(names, sumsOfSameFunction(assignment, site), cohort.secure.survivorsMin)
  await checkHead(plan, logHead, site, signal)
  site.store.heads.accept(plan.run, logHead)
  const signature = signMessage(site.identity, confirmMessage(u3Hash, Buffer.from(logHead.root, 'hex')))
  const confirm = { type: 'confirm', planHash, signature } as const
  const confirmed = sealState({ ...state, survivors, logHead, confirm }, planHash, site)
  site.store.sessions.confirm(planHash, Buffer.from(u3Hash).toString('hex'), names, confirmed)
  site.emit({ type: 'survivors-confirmed', ...inRound(planHash, plan), survivors: survivors.length })
  return confirm
}

function maskedSession({ state, record }: Session, assignment: Assignment, name: string): MaskedSession {
  const { directory, sharers, masked } = state
  if (!directory || !sharers || !masked)
    throw invalid('this site has masked no update for this plan, so it cannot be in the sum')
  const { sid, thresholds } = knownDirectory(directory, assignment, name)
  return {
    sid,
    thresholds,
    u2Hash: Buffer.from(record.u2Hash, 'hex'),
    sharers: sharers.map(({ index }) => index),
    ownRoot: masked.root,
  }
}

function invalid(why: string): FederationError {
  return new FederationError('survivors-invalid', why)
}
