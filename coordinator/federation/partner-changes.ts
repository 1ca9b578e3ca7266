/**
 * Changes of the partners of a study (fedsum, section E.4), as the coordinator keeps them: what the lead signed, what sites
 * said of it, and from when it counts. Nothing here decides for a site; a plan for partners that have not all gone along
 * would only be refused.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { partnerChangesMax } from '@consilium/protos/limits.ts'
import {
  checkPartnerChange,
  isSameSet,
  joinedBy,
  leavingAndJoining,
  type PartnerWord,
  type SignedPartnerChange,
  type SitesPartnerWord,
  verifyPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import type { SignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { fewestPartners } from '@consilium/protos/secagg/thresholds.ts'
import type { Partners } from '../run/state.ts'
import type { ChangeRecord } from './change-record.ts'
import type { FederationEvent } from './events.ts'
import type { Federation, Site, StudyRecord } from './federation.ts'

/** Records a change; throws for one that the sites would refuse. `now`: whom the study's sums are among. */
export function changePartners(
  record: StudyRecord,
  { lead, manifest: { study } }: SignedStudy,
  signed: SignedPartnerChange,
  partners: Partners,
  now: Date,
): FederationEvent[] {
  const change = checkPartnerChange(signed, Buffer.from(lead, 'base64'))
  if (record.changes.some(({ change: { hash } }) => hash === change.hash)) return []
  const due = record.changes.length + 1
  if (change.number !== due || due > partnerChangesMax)
    throw stale(`it is number ${change.number} of this study, and number ${due} is due`)
  for (const { purpose, before, after } of change.sets) {
    const present = partners[purpose]
    if (!present)
      throw stale(`nobody has settled on partners for ${purpose} yet: consilium run start --without does it`)
    if (!isSameSet(before, present))
      throw stale(`sums of ${purpose} are among ${present.join(', ')}, not ${before.join(', ')}`)
    const { aggregation, cohort } = study
    if (aggregation.mode !== 'secure') throw stale('the study is sealed, its sums hide nothing')
    const fewest = fewestPartners({ cohort, aggregation }, after.length)
    if (after.length < fewest)
      throw stale(`${after.length} sites would be left for ${purpose}, the study asks for ${fewest}`)
  }
  const { hash: _, ...body } = change
  const signature = Buffer.from(signed.signature).toString('base64')
  return [{ type: 'partners-changed', at: now.toISOString(), study: record.hash, change: body, signature }]
}

/** Records what a site says; the same again changes nothing, and of changes only the newest is still spoken of. */
export function sayOfPartners(federation: Federation, site: Site, said: PartnerWord, now: Date): FederationEvent[] {
  const record = federation.studies.get(said.study)
  if (!record) throw new FederationError('not-found', `there is no study ${said.study.slice(0, 12)} in this federation`)
  if (!verifyPartnerWord(said, Buffer.from(site.identityPublicKey ?? '', 'base64')))
    throw new FederationError(
      'signature-invalid',
      `what ${site.name} says of its partners is not signed by its identity`,
    )
  if (said.word !== 'leave') {
    const newest = record.changes.at(-1)?.change
    if (newest?.hash !== said.change) throw stale('a newer change has taken its place, or there is none')
    if (!newest.sets.some(({ after }) => after.includes(site.name)))
      throw new FederationError('not-in-cohort', `${site.name} is not among the partners by this change`)
  }
  const isKnown = record.words.some(
    ({ site: by, signature }) => by === site.name && Buffer.compare(signature, said.signature) === 0,
  )
  if (isKnown) return []
  const { study, signature, ...word } = said
  return [
    {
      ...{ type: 'partners-said', at: now.toISOString(), study, site: site.name },
      ...('purposes' in word ? { ...word, purposes: [...word.purposes] } : word),
      signature: Buffer.from(signature).toString('base64'),
    },
  ]
}

/** What those who leave and join by a change say; the leave is that of their present stay. */
export function wordsFor({ changes, words }: StudyRecord, { change }: ChangeRecord): SitesPartnerWord[] {
  const { leaving, joining } = leavingAndJoining(change)
  const before = changes.map((record) => record.change).filter(({ number }) => number < change.number)
  return words.filter((said) =>
    said.word === 'leave'
      ? leaving.has(said.site) && said.since === joinedBy(said.site, before)
      : said.word === 'join' && joining.has(said.site) && said.change === change.hash,
  )
}

/** How a change stands: who goes along, who is awaited, and who leaves by it without a word. */
export function standingOf(record: StudyRecord, changed: ChangeRecord) {
  const { change } = changed
  const agreed = record.words
    .filter((said) => said.word !== 'leave' && said.change === change.hash)
    .map(({ site }) => site)
  const after = [...new Set(change.sets.flatMap((set) => set.after))].sort()
  const due = change.restored ? [change.restored.site] : after
  const awaited = due.filter((site) => !agreed.includes(site))
  const signed = wordsFor(record, changed)
  const unsigned = [...leavingAndJoining(change).leaving].flatMap(([site, purposes]) =>
    signed.some(
      (said) => said.word === 'leave' && said.site === site && purposes.every((it) => said.purposes.includes(it)),
    )
      ? []
      : [site],
  )
  return { agreed: agreed.filter((site, i) => agreed.indexOf(site) === i), awaited, unsigned }
}

/** The partners by the changes with which every site goes along. `settled`: as runs have settled them. */
export function partnersBy(record: StudyRecord, settled: Partners): Partners {
  const partners: { -readonly [purpose in keyof Partners]: Partners[purpose] } = { ...settled }
  for (const changed of record.changes) {
    if (standingOf(record, changed).awaited.length > 0) continue
    for (const { purpose, before, after } of changed.change.sets)
      if (partners[purpose] && isSameSet(partners[purpose], before)) partners[purpose] = after
  }
  return partners
}

function stale(why: string): FederationError {
  return new FederationError('partners-refused', `this change of partners cannot be: ${why}`)
}
