/** Checks of single fields of a message: every value that crosses the wire has a size and a shape, or it is refused. */
import type { RosterSite, SignedLedger } from './control-messages.ts'
import { FederationError } from './errors.ts'
import type { PartnerWord__Output, PartnerWord as WirePartnerWord } from './gen/consilium/v1/PartnerWord.ts'
import type { RosterSite__Output } from './gen/consilium/v1/RosterSite.ts'
import type { SignedLedger__Output } from './gen/consilium/v1/SignedLedger.ts'
import { advertisedBytesMax, objectBytesMax, partnerChangesMax, rosterSitesMax } from './limits.ts'
import { type RunId, runIdSchema, type Sha256, type SiteName, siteNameSchema } from './plan/names.ts'
import { type PartnerWord, partnerPurposes } from './plan/partner-change.ts'

export function invalid(field: string, expected: string): FederationError {
  return new FederationError('message-invalid', `${field}: expected ${expected}`)
}

/** 32 bytes as 64 hexadecimal digits. */
export function hashField(bytes: Uint8Array | null | undefined, field: string): Sha256 {
  return Buffer.from(bytesField(bytes, field, 32, 32)).toString('hex')
}

/** A hash as the bytes that {@link hashField} reads. */
export function hashBytes(sha256: Sha256): Buffer {
  return Buffer.from(sha256, 'hex')
}

export function bytesField(
  bytes: Uint8Array | null | undefined,
  field: string,
  bytesMin: number,
  bytesMax = bytesMin,
): Uint8Array {
  if (!bytes || bytes.length < bytesMin || bytes.length > bytesMax)
    throw invalid(field, bytesMin === bytesMax ? `${bytesMin} bytes` : `${bytesMin} to ${bytesMax} bytes`)
  return bytes
}

export function textField(text: string, field: string, charactersMax: number): string {
  if (text.length > charactersMax) throw invalid(field, `at most ${charactersMax} characters`)
  return text
}

export function choiceField<const Choice extends string>(
  text: string,
  field: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((one) => one === text)
  if (choice === undefined) throw invalid(field, choices.join(' or '))
  return choice
}

/** A count of bytes, steps or rows: an integer from 0 to `max`. */
export function countField(count: number, field: string, max = objectBytesMax): number {
  if (!Number.isSafeInteger(count) || count < 0 || count > max) throw invalid(field, `an integer from 0 to ${max}`)
  return count
}

/** From 1 to `lengthMax` items, each read under its own name, as in `sites[0]`; fewer where `lengthMin` says so. */
export function listField<Wire, Item>(
  list: readonly Wire[],
  field: string,
  lengthMax: number,
  read: (wire: Wire, name: string) => Item,
  lengthMin = 1,
): Item[] {
  if (list.length < lengthMin || list.length > lengthMax) throw invalid(field, `${lengthMin} to ${lengthMax} items`)
  return list.map((wire, i) => read(wire, `${field}[${i}]`))
}

/** Sites with their identities, each site once. */
export function rosterSitesField(
  sites: readonly RosterSite__Output[],
  field: string,
  lengthMin: number,
): readonly RosterSite[] {
  const read = listField(
    sites,
    field,
    rosterSitesMax,
    ({ site, identityPublicKey }, name) => ({
      site: siteField(site, `${name}.site`),
      publicKey: bytesField(identityPublicKey, `${name}.identity_public_key`, 32),
    }),
    lengthMin,
  )
  if (new Set(read.map(({ site }) => site)).size < read.length) throw invalid(field, 'each site once')
  return read
}

export function signedLedgerField(
  { site, planHash, body, signature }: SignedLedger__Output,
  field: string,
): SignedLedger {
  return {
    site: siteField(site, `${field}.site`),
    planHash: hashField(planHash, `${field}.plan_hash`),
    body: bytesField(body, `${field}.body`, 1, advertisedBytesMax),
    signature: bytesField(signature, `${field}.signature`, 64),
  }
}

export function wireSignedLedger({ site, planHash, body, signature }: SignedLedger) {
  return { site, planHash: hashBytes(planHash), body, signature }
}

export function partnerWordField(wire: PartnerWord__Output | null, field: string): PartnerWord {
  if (!wire) throw invalid(field, 'what a site says of its partners')
  const study = hashField(wire.studyHash, `${field}.study_hash`)
  const word = choiceField(wire.word, `${field}.word`, ['leave', 'join', 'agree'])
  const signature = bytesField(wire.signature, `${field}.signature`, 64)
  if (word !== 'leave') return { study, word, change: hashField(wire.changeHash, `${field}.change_hash`), signature }
  const purposes = listField(wire.purposes, `${field}.purposes`, partnerPurposes.length, (purpose, name) =>
    choiceField(purpose, name, partnerPurposes),
  )
  return { study, word, since: countField(wire.since, `${field}.since`, partnerChangesMax), purposes, signature }
}

export function wirePartnerWord(said: PartnerWord): WirePartnerWord {
  const { study, word, signature } = said
  const common = { studyHash: hashBytes(study), word, signature }
  return said.word === 'leave'
    ? { ...common, since: said.since, purposes: [...said.purposes] }
    : { ...common, changeHash: hashBytes(said.change) }
}

export function siteField(name: string, field = 'site'): SiteName {
  const parsed = siteNameSchema.safeParse(name)
  if (!parsed.success) throw invalid(field, 'lower-case letters, digits and hyphens, at most 63')
  return parsed.data
}

export function runField(run: string): RunId {
  const parsed = runIdSchema.safeParse(run)
  if (!parsed.success) throw invalid('run', 'the name of a run, as `consilium run list` shows it')
  return parsed.data
}
