/**
 * A change of partners (fedsum, section E.4): an event that the lead of a study signs, of whom its statistics or evaluations
 * are among and whom they shall be among from now on; or that a restored site had these partners (E.6). Whoever leaves or
 * joins signs for itself, and so does each site that goes along.
 */
import { z } from 'zod'
import { FederationError } from '../errors.ts'
import { canonicalJson, labelledHash } from '../hash.ts'
import { type Identity, sign, verifySignature } from '../identity.ts'
import { cohortMax, partnerChangeBytesMax, partnerChangesMax } from '../limits.ts'
import { type Sha256, type SiteName, sha256Schema, siteNameSchema } from './names.ts'
import { parseJson } from './signed-study.ts'

export const partnerPurposes = ['statistics', 'evaluate'] as const
export type PartnerPurpose = (typeof partnerPurposes)[number]

const sitesSchema = z
  .array(siteNameSchema)
  .min(1)
  .max(cohortMax)
  .refine((sites) => sites.every((site, i) => i === 0 || site > sites[i - 1]!), 'the sites by name, each once')

export const partnerChangeSchema = z
  .strictObject({
    format: z.literal(1),
    study: sha256Schema,
    /** Changes of a study are counted from 1: each follows the one before. */
    number: z.int().min(1).max(partnerChangesMax),
    sets: z
      .array(z.strictObject({ purpose: z.enum(partnerPurposes), before: sitesSchema, after: sitesSchema }))
      .min(1)
      .max(partnerPurposes.length)
      .refine((sets) => new Set(sets.map(({ purpose }) => purpose)).size === sets.length, 'each purpose once'),
    /** Nothing changes: this site, in this epoch of its ledger, is told whom its partners were. */
    restored: z
      .strictObject({
        site: siteNameSchema,
        epoch: z
          .int()
          .min(2)
          .max(2 ** 31),
      })
      .exactOptional(),
  })
  .refine(
    ({ sets, restored }) =>
      sets.every(({ before, after }) =>
        restored ? isSameSet(before, after) && after.includes(restored.site) : !isSameSet(before, after),
      ),
    'a change changes each set that it names; for a restored site, none, and it is in each',
  )

export type PartnerChange = z.output<typeof partnerChangeSchema>
export type ReadPartnerChange = PartnerChange & { readonly hash: Sha256 }
/** Canonical JSON, and the lead's signature over its hash. */
export type SignedPartnerChange = { readonly bytes: Uint8Array; readonly signature: Uint8Array }

/**
 * What a site says of a change with its identity: that it leaves, before there is one (`since`: the change by which it
 * joined, 0 where it was there from the start); that it joins; that it goes along.
 */
export type PartnerWord = { readonly study: Sha256; readonly signature: Uint8Array } & (
  | { readonly word: 'leave'; readonly since: number; readonly purposes: readonly PartnerPurpose[] }
  | { readonly word: 'join' | 'agree'; readonly change: Sha256 }
)
export type UnsignedPartnerWord = PartnerWord extends infer Word
  ? Word extends unknown
    ? Omit<Word, 'signature'>
    : never
  : never
export type SitesPartnerWord = PartnerWord & { readonly site: SiteName }

export function signPartnerChange(change: PartnerChange, lead: Identity): SignedPartnerChange {
  const parsed = partnerChangeSchema.safeParse(change)
  if (!parsed.success) throw new FederationError('invalid-argument', z.prettifyError(parsed.error))
  const bytes = canonicalJson(parsed.data)
  return { bytes, signature: sign(lead, 'partners', labelledHash('partners', bytes)) }
}

/** Which study it is for, before anything of it is verified; throws `message-invalid`. */
export function parsePartnerChange(bytes: Uint8Array): ReadPartnerChange {
  if (bytes.length > partnerChangeBytesMax)
    throw new FederationError('limit-exceeded', `a change of partners has at most ${partnerChangeBytesMax} bytes`)
  const parsed = partnerChangeSchema.safeParse(parseJson(bytes))
  if (!parsed.success)
    throw new FederationError('message-invalid', `not a change of partners: ${z.prettifyError(parsed.error)}`)
  return { ...parsed.data, hash: hashOf(canonicalJson(parsed.data)) }
}

/** Throws `signature-invalid` where it is not signed by this lead, the one who signed the study. */
export function checkPartnerChange(
  { bytes, signature }: SignedPartnerChange,
  leadPublicKey: Uint8Array,
): ReadPartnerChange {
  const change = parsePartnerChange(bytes)
  if (!verifySignature(leadPublicKey, signature, 'partners', Buffer.from(change.hash, 'hex')))
    throw new FederationError(
      'signature-invalid',
      `change ${change.number} of the partners of study ${change.study.slice(0, 12)} is not signed by the lead who signed the study`,
    )
  return change
}

export function signPartnerWord<Word extends UnsignedPartnerWord>(
  word: Word,
  identity: Identity,
): Word & { readonly signature: Uint8Array } {
  return { ...word, signature: sign(identity, `partners-${word.word}`, ...partsOf(word)) }
}

export function verifyPartnerWord(word: PartnerWord, publicKey: Uint8Array): boolean {
  return verifySignature(publicKey, word.signature, `partners-${word.word}`, ...partsOf(word))
}

/** Who is in one of the sets before and not in the set after it, and the other way round; each with these purposes. */
export function leavingAndJoining({ sets }: Pick<PartnerChange, 'sets'>) {
  const [leaving, joining] = [new Map<SiteName, PartnerPurpose[]>(), new Map<SiteName, PartnerPurpose[]>()]
  const note = (map: typeof leaving, site: SiteName, purpose: PartnerPurpose) =>
    map.set(site, [...(map.get(site) ?? []), purpose])
  for (const { purpose, before, after } of sets) {
    for (const site of before) if (!after.includes(site)) note(leaving, site, purpose)
    for (const site of after) if (!before.includes(site)) note(joining, site, purpose)
  }
  return { leaving, joining }
}

/** The newest of these changes by which a site joined, 0 for none: what it says as it leaves holds for that stay only. */
export function joinedBy(site: SiteName, changes: readonly Pick<PartnerChange, 'sets' | 'number'>[]): number {
  return Math.max(
    0,
    ...changes.filter((change) => leavingAndJoining(change).joining.has(site)).map(({ number }) => number),
  )
}

export function isSameSet(one: readonly SiteName[], other: readonly SiteName[]): boolean {
  return one.length === other.length && one.every((site) => other.includes(site))
}

function hashOf(bytes: Uint8Array): Sha256 {
  return labelledHash('partners', bytes).toString('hex')
}

function partsOf(word: UnsignedPartnerWord): Uint8Array[] {
  const study = Buffer.from(word.study, 'hex')
  if (word.word !== 'leave') return [study, Buffer.from(word.change, 'hex')]
  const since = Buffer.alloc(4)
  since.writeUInt32BE(word.since)
  return [study, since, canonicalJson(word.purposes)]
}
