/**
 * Share keys, at the site (fedsum, section A.4: S2): everything the directory of U1 must satisfy, then this site's two
 * secrets, shared among U1 with the threshold that follows from it.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { abandonsAttemptBefore, readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { agree, channelKey } from '@consilium/protos/secagg/keys.ts'
import type { Advertise, Advertised, Directory, ShareKeysMessage } from '@consilium/protos/secagg/messages.ts'
import { dealShares } from '@consilium/protos/secagg/sealed-share.ts'
import {
  type Advertisement,
  advertiseMessage,
  shareKeysMessage,
  signMessage,
  verifyMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { sessionThresholds, type Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import { assertAscending, rosterHash, sessionId } from '@consilium/protos/secagg/transcript.ts'
import type { Assignment } from './assignment.ts'
import { inRound } from './events.ts'
import { checkPeerLedgers } from './peer-ledgers.ts'
import {
  dueSession,
  isSame,
  refusedAs,
  type Session,
  type SessionState,
  sealState,
  secretsOf,
  secureCohort,
} from './session.ts'
import type { Site } from './site.ts'

/** What every later phase takes from the directory. */
export type CheckedDirectory = {
  readonly sid: Uint8Array
  readonly thresholds: Thresholds
  /** U1 by index, this site included. */
  readonly advertised: ReadonlyMap<number, Advertisement>
}

/** S2. Throws `directory-invalid` for the first check that the directory fails. */
export function checkDirectory(
  sites: readonly Advertised[],
  own: Pick<Advertise, 'body' | 'signature'>,
  assignment: Assignment,
  name: string,
): CheckedDirectory {
  return refusedAs('directory-invalid', () => {
    const { index } = secureCohort(assignment, name)
    assertAscending(sites)
    for (const site of sites) checkAdvertised(site, assignment)
    const known = knownDirectory(sites, assignment, name)
    const mine = sites.find((site) => site.index === index)
    if (!mine || !isSame([mine.body, mine.signature], [own.body, own.signature]))
      throw invalid('the keys that this site advertised are not in the directory as it advertised them')
    const keys = [...known.advertised.values()].flatMap(({ channelKey: channel, maskKey }) => [channel, maskKey])
    if (new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size !== keys.length)
      throw invalid('a key stands in the directory twice')
    return known
  })
}

/** The same of a directory that this site has checked, as its session keeps it: nobody's signature is checked again. */
export function knownDirectory(sites: readonly Advertised[], assignment: Assignment, name: string): CheckedDirectory {
  const { secure, roster } = secureCohort(assignment, name)
  return {
    sid: sessionId(Buffer.from(assignment.planHash, 'hex'), rosterHash(roster), sites),
    thresholds: sessionThresholds(sites.length, secure),
    advertised: new Map(sites.map(({ index, body }) => [index, readAdvertisement(body)])),
  }
}

/** Answers a directory; the same one gets the same answer, another one is refused. */
export function shareKeys(
  { planHash, sites }: Directory,
  assignment: Assignment,
  site: Pick<Site, 'name' | 'identity' | 'store' | 'link' | 'emit'>,
): ShareKeysMessage {
  const session = dueSession(planHash, site)
  if (session.state.directory && session.state.shareKeys) {
    if (!isSame(sites, session.state.directory))
      throw invalid('this site was shown another directory for this plan before')
    return session.state.shareKeys
  }
  const checked = checkDirectory(sites, session.state.advertise, assignment, site.name)
  checkPeerLedgers(sites, checked.advertised, assignment, site)
  const { message, state } = deal(session, sites, checked, assignment, site)
  site.store.sessions.share(planHash, Buffer.from(checked.sid).toString('hex'), sealState(state, planHash, site))
  site.emit({ type: 'keys-shared', ...inRound(planHash, assignment.plan), sites: sites.length })
  return message
}

/** Signed by who the plan's roster says, for this plan and this model, with keys that agree with others. */
function checkAdvertised({ index, body, signature }: Advertised, { planHash, plan }: Assignment): void {
  const [name, key] = [plan.cohort[index - 1], plan.secure?.roster[index - 1]]
  if (name === undefined || key === undefined) throw invalid(`site ${index} is not in the cohort of this plan`)
  const message = advertiseMessage(Buffer.from(planHash, 'hex'), name, body)
  if (!verifyMessage(Buffer.from(key, 'base64'), signature, message))
    throw invalid(`the keys of ${name} are not signed with its identity for this plan`)
  const advertised = readAdvertisement(body)
  if (advertised.index !== index) throw invalid(`the keys of ${name} are those of site ${advertised.index}`)
  if (Buffer.from(advertised.modelHash).toString('hex') !== plan.model)
    throw invalid(`${name} was given another global model than this site`)
  if (!abandonsAttemptBefore(advertised, plan))
    throw invalid(`${name} does not say that it abandons just the attempt before this one, and reveals nothing for it`)
}

function deal(
  session: Session,
  sites: readonly Advertised[],
  { sid, thresholds, advertised }: CheckedDirectory,
  assignment: Assignment,
  { name, identity }: Pick<Site, 'name' | 'identity'>,
): { readonly message: ShareKeysMessage; readonly state: SessionState } {
  const { planHash } = assignment
  const { index } = secureCohort(assignment, name)
  const secrets = secretsOf(session)
  const peers = [...advertised].map(([to, { channelKey: theirs }]) =>
    to === index
      ? { index: to }
      : { index: to, channelKey: channelKey(agree(secrets.channelSecretKey, theirs), sid, index, to) },
  )
  const { maskSecretKey, selfSeed, group } = secrets
  const { threshold } = thresholds
  const { own, ...dealt } = dealShares({ sid, index, maskSecretKey, selfSeed, group, threshold, sites: peers })
  const signature = signMessage(identity, shareKeysMessage(sid, index, dealt, dealt.rows))
  const message = { type: 'share-keys', planHash, ...dealt, signature } as const
  const held = new Map([[index, own]])
  return { message, state: { ...session.state, held, directory: sites, shareKeys: message } }
}

function invalid(why: string): FederationError {
  return new FederationError('directory-invalid', why)
}
