/**
 * Changes of partners, at the site (fedsum, section E.4). What the lead signed is checked against what is settled here; with
 * the signature of each site that leaves or joins this site goes along by itself, a few times a study; else a person here
 * decides. Whoever joins is a person's decision there, always: the difference of two sums is what that site adds.
 */
import { errorCode, FederationError } from '@consilium/protos/errors.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import {
  checkPartnerChange,
  isSameSet,
  joinedBy,
  leavingAndJoining,
  type PartnerPurpose,
  parsePartnerChange,
  type ReadPartnerChange,
  signPartnerWord,
  type UnsignedPartnerWord,
  verifyPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import type { ReadStudy } from '@consilium/protos/plan/signed-study.ts'
import { fewestPartners, studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { decisionMessage } from './consent.ts'
import type { FromCoordinator } from './link/link.ts'
import type { Policy } from './policy.ts'
import { exposures, labelOf, reachableSets } from './round/partners.ts'
import type { Site } from './round/site.ts'
import type { KnownChange } from './store/partner-changes.ts'

export type ChangeOffer = Extract<FromCoordinator, { type: 'partner-change' }>
/** What deciding takes: the agent, and the command line beside it. */
export type Deciding = Pick<Site, 'name' | 'identity' | 'store'> & { readonly readPolicy: () => Pick<Policy, 'secure'> }

/** Keeps what the coordinator relays, and goes along where it may. Throws for what is not the lead's, or not the next. */
export function offeredChange(offer: ChangeOffer, site: Deciding & Pick<Site, 'emit'>): void {
  const study = studyOf(parsePartnerChange(offer.signed.bytes).study, site)
  const change = checkPartnerChange(offer.signed, Buffer.from(study.lead, 'base64'))
  const known = site.store.partnerChanges.list(study.hash)
  const same = known.find(({ change: { number } }) => number === change.number)
  if (same && same.change.hash !== change.hash)
    throw refused(change, 'the lead signed another one with the same number, which this site was shown before')
  if (!same && change.number !== known.length + 1)
    throw refused(change, `number ${known.length + 1} of this study is due here`)
  site.store.partnerChanges.keep(change, offer.signed, offer.words)
  // A coordinator that lost a part of its log is told again.
  if (!offer.heard) site.store.partnerChanges.tellAgain(change.hash)
  considerNewest(study, !same || same.words.length !== offer.words.length, site)
}

/** A person here goes along with the newest change, whoever signed it; throws where it does not follow from what is settled. */
export function acceptNewest(hash: Sha256, account: string, site: Deciding): KnownChange {
  const study = studyOf(hash, site)
  const newest = site.store.partnerChanges.list(hash).at(-1)
  if (!newest || newest.agreed)
    throw new FederationError(
      'not-found',
      `no change of the partners of study ${study.manifest.study.name} waits for a decision here`,
    )
  checkFollows(newest.change, study, site)
  agree(newest.change, 'person', account, site)
  return newest
}

/** Why a person has to decide on a change; empty where this site goes along by itself. */
export function objections({ change, words }: KnownChange, study: ReadStudy, site: Deciding): readonly string[] {
  if (change.restored || !isPartOf(site.name, change)) return []
  const { leaving, joining } = leavingAndJoining(change)
  const list = site.store.partnerChanges.list(change.study)
  const before = list.map((known) => known.change).filter(({ number }) => number < change.number)
  const signed = (of: SiteName, purposes: readonly PartnerPurpose[]) =>
    words.some((said) => {
      const key = site.store.roster.pinned(of)
      if (said.site !== of || said.study !== change.study || !key || !verifyPartnerWord(said, key)) return false
      if (said.word !== 'leave') return said.word === 'join' && said.change === change.hash && joining.has(of)
      return said.since === joinedBy(of, before) && purposes.every((purpose) => said.purposes.includes(purpose))
    })
  const without = (sites: ReadonlyMap<SiteName, PartnerPurpose[]>) =>
    [...sites].filter(([of, purposes]) => of !== site.name && !signed(of, purposes)).map(([of]) => of)
  const taken = changesTaken(list, site.name).filter((each) => each.change.number < change.number)
  const max = site.readPolicy().secure.partnerChangesMax
  return [
    ...without(leaving).map(
      (of) => `${of} has not signed that it leaves: the difference of two sums tells what it added`,
    ),
    ...without(joining).map((of) => `${of} has not signed that it joins, or its key is not the one pinned here`),
    ...(joining.has(site.name) ? ['this site joins: the difference of two sums tells what it adds'] : []),
    ...(taken.length >= max
      ? [`this site went along with ${max} changes of this study already (secure.partnerChangesMax)`]
      : []),
    ...exposuresOf(change, study, site),
  ]
}

/** Leaves for good: what this site says of it, for the others to go along by themselves. */
export function sayLeave(
  study: Sha256,
  purposes: readonly PartnerPurpose[],
  { name, identity, store }: Deciding,
): void {
  const since = joinedBy(
    name,
    store.partnerChanges.list(study).map(({ change }) => change),
  )
  store.partnerChanges.say(signPartnerWord({ word: 'leave', study, since, purposes }, identity))
}

/** Tells the coordinator what it was not told yet; throws `link-down` where it is not there. */
export async function tellWords({ identity, store, link }: Pick<Site, 'identity' | 'store' | 'link'>): Promise<void> {
  for (const said of store.partnerChanges.untold()) {
    const decision = store.studies.decisionOn(said.study)
    if (said.word === 'leave' && decision?.decision === 'rejected')
      await link.decide(decisionMessage(identity, decision))
    try {
      await link.sayOfPartners(said)
    } catch (error) {
      // A newer change has taken its place: it is of no use any more.
      if (errorCode(error) !== 'partners-refused') throw error
    }
    store.partnerChanges.told(said)
  }
}

function considerNewest(study: ReadStudy, isNews: boolean, site: Deciding & Pick<Site, 'emit'>): void {
  takeRestored(study.hash, site)
  const newest = site.store.partnerChanges.list(study.hash).at(-1)
  if (!newest || newest.agreed) return
  const { change } = newest
  checkFollows(change, study, site)
  const about = { study: study.hash, name: study.manifest.study.name, number: change.number }
  const found = objections(newest, study, site)
  if (found.length > 0) {
    if (isNews) site.emit({ type: 'partners-asked', ...about, reason: found.join('; ') })
    return
  }
  agree(change, 'itself', '', site)
  site.emit({ type: 'partners-agreed', ...about, text: changeText(change) })
}

/** What the lead told this site after its recovery counts wherever it stands among the changes. */
function takeRestored(study: Sha256, site: Deciding): void {
  const { epoch } = site.store.sessionLedger.position()
  if (!site.store.sessionLedger.recovery()) return
  for (const { change, agreed } of site.store.partnerChanges.list(study))
    if (!agreed && change.restored?.site === site.name && change.restored.epoch === epoch)
      agree(change, 'itself', '', site)
}

/** `evaluate: without basel; with aarau`, of each purpose. */
export function changeText({ sets, restored }: Pick<ReadPartnerChange, 'sets' | 'restored'>): string {
  return sets
    .map(({ purpose, before, after }) => {
      if (restored) return `${purpose}: ${restored.site} is restored, among ${after.join(', ')}`
      const [left, joined] = [before.filter((it) => !after.includes(it)), after.filter((it) => !before.includes(it))]
      return `${purpose}: ${[left.length > 0 && `without ${left.join(', ')}`, joined.length > 0 && `with ${joined.join(', ')}`].filter(Boolean).join(', ')}`
    })
    .join('; ')
}

function agree(
  change: ReadPartnerChange,
  by: 'itself' | 'person',
  account: string,
  { name, identity, store }: Deciding,
): void {
  const { study, hash, sets, number } = change
  if (change.restored?.site === name) settleAgain(change, store)
  store.partnerChanges.agree(study, number, by, account)
  const [wasIn, isIn] = [
    sets.some(({ before }) => before.includes(name)),
    sets.some(({ after }) => after.includes(name)),
  ]
  if (!isIn || (change.restored && change.restored.site !== name)) return
  const isNew = !wasIn || sets.some(({ before, after }) => after.includes(name) && !before.includes(name))
  const word: UnsignedPartnerWord = { word: isNew ? 'join' : 'agree', study, change: hash }
  store.partnerChanges.say(signPartnerWord(word, identity))
}

/** What a restored site's lead says whom it was among is what it is among, whatever the old copy knows. */
function settleAgain({ study, sets, number }: ReadPartnerChange, { partners, studies }: Site['store']): void {
  const label = labelOf(studies.read(studies.find(study)!).manifest)
  for (const { purpose, after } of sets) {
    const settled = { study, purpose, label, sites: after, change: number }
    const known = partners.find(study, purpose)
    if (!known) partners.keep(settled)
    else if (known.change < number) partners.change(settled)
  }
}

/** Throws `partners-refused` for a change from another set than is settled here, or to too few. */
function checkFollows(change: ReadPartnerChange, { manifest }: ReadStudy, site: Deciding): void {
  const { aggregation, cohort } = manifest.study
  if (aggregation.mode !== 'secure') throw refused(change, 'the study is sealed')
  const { name, store } = site
  const { restored } = change
  if (restored?.site === name) {
    checkEpoch(change, site)
    return
  }
  for (const { purpose, before, after } of change.sets) {
    const fewest = fewestPartners({ cohort, aggregation }, after.length)
    if (after.length < fewest)
      throw refused(change, `${after.length} sites would be left for ${purpose}, the study asks for ${fewest}`)
    if (!before.includes(name)) continue
    const known = reachableSets({ study: change.study, purpose }, { store })
    if (known.length === 0 || known.some(({ sites }) => isSameSet(sites, before))) continue
    throw refused(
      change,
      `sums of ${purpose} are among ${known[0]!.sites.join(', ')} here, and it is a change from ${before.join(', ')}`,
    )
  }
}

/** It holds for one recovery: an older one, shown again after a later restore, counts for nothing. */
function checkEpoch(change: ReadPartnerChange, { store: { sessionLedger } }: Deciding): void {
  const { epoch } = sessionLedger.position()
  if (!sessionLedger.recovery() || change.restored?.epoch !== epoch)
    throw refused(change, `it is for epoch ${change.restored?.epoch} of this site's ledger, which is in epoch ${epoch}`)
}

function exposuresOf(change: ReadPartnerChange, { manifest }: ReadStudy, site: Deciding): string[] {
  const evaluated = change.sets.find(({ purpose }) => purpose === 'evaluate')
  if (!evaluated || manifest.study.aggregation.mode !== 'secure') return []
  const { cohort, aggregation } = manifest.study
  const { survivorsMin } = studyThresholds({ cohort, aggregation }, evaluated.after.length)
  const found = exposures(
    { study: change.study, cohort: evaluated.after, label: labelOf(manifest), survivorsMin },
    site,
  )
  return found ? [found] : []
}

/** Approved here, and signed by the lead it was approved for. */
function studyOf(hash: Sha256, { store: { studies } }: Pick<Site, 'store'>): ReadStudy {
  const known = studies.find(hash)
  if (!known) throw new FederationError('study-unapproved', `this site was never offered study ${hash.slice(0, 12)}`)
  const decision = studies.decisionOn(hash)
  if (decision && decision.lead !== known.lead)
    throw new FederationError(
      'lead-unknown',
      `study ${known.name} was approved here as signed by ${decision.lead}, now ${known.lead} signs it`,
    )
  return studies.read(known)
}

/** Those that this site went along with and is a part of: they count against `secure.partnerChangesMax`. */
export function changesTaken(list: readonly KnownChange[], name: SiteName): readonly KnownChange[] {
  return list.filter(({ change, agreed }) => agreed && !change.restored && isPartOf(name, change))
}

function isPartOf(name: SiteName, { sets }: ReadPartnerChange): boolean {
  return sets.some(({ after }) => after.includes(name))
}

function refused(change: ReadPartnerChange, why: string): FederationError {
  const { number, study } = change
  return new FederationError(
    'partners-refused',
    `change ${number} of the partners of study ${study.slice(0, 12)} (${changeText(change)}) is not taken: ${why}`,
  )
}
