/** What can happen in a federation besides its runs, and how it stands in the `federation` stream of the event log. */
import { FederationError } from '@consilium/protos/errors.ts'
import { cohortMax, partnerChangesMax, reasonCharactersMax } from '@consilium/protos/limits.ts'
import type { LogEntry, NewEntry } from '@consilium/protos/log/entry.ts'
import { logHeadSchema } from '@consilium/protos/log/head.ts'
import { base64Schema, runIdSchema, sha256Schema, siteNameSchema } from '@consilium/protos/plan/names.ts'
import { partnerChangeSchema, partnerPurposes } from '@consilium/protos/plan/partner-change.ts'
import { z } from 'zod'

const at = z.iso.datetime()
const site = siteNameSchema
const study = sha256Schema
const reason = z.string().max(reasonCharactersMax)
const certificate = { serial: z.string().regex(/^[0-9a-f]{1,64}$/), expiresAt: z.iso.datetime() }

const epoch = z.int().min(1)

/** What is missing, as far as it is proven. */
const lossSchema = z.discriminatedUnion('what', [
  /** Entries of a stream: it has `length` here, and had `size` when the coordinator signed that, at `provenAt`. */
  z.strictObject({
    what: z.literal('entries'),
    stream: z.string().min(1).max(100),
    epoch,
    length: z.int().min(0),
    ...logHeadSchema.shape,
    provenAt: at,
  }),
  z.strictObject({ what: z.literal('revocation'), site, publicKey: base64Schema(32), epoch, revokedAt: at }),
  /** A rotation of the coordinator's own key, which signed over to this one. */
  z.strictObject({ what: z.literal('key'), publicKey: base64Schema(32) }),
  /** A certificate that the federation's authority issued, and that no entry tells of. */
  z.strictObject({ what: z.literal('certificate'), site, ...certificate }),
])

export const federationEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('federation-created'),
    at,
    name: z.string().min(1).max(100),
    /** Ed25519: what sites pin. */
    coordinatorPublicKey: base64Schema(32),
    /** SHA-256 of the certificate authority's certificate. */
    authority: sha256Schema,
  }),
  /** The coordinator's key handed on: both keys sign ("rotate", old, new). */
  z.strictObject({
    type: z.literal('coordinator-key-rotated'),
    at,
    oldPublicKey: base64Schema(32),
    newPublicKey: base64Schema(32),
    oldSignature: base64Schema(64),
    newSignature: base64Schema(64),
  }),
  /** The secret of the join code stands here as a hash only. */
  z.strictObject({ type: z.literal('site-invited'), at, site, secretHash: sha256Schema, expiresAt: z.iso.datetime() }),
  z.strictObject({
    type: z.literal('site-joined'),
    at,
    site,
    secretHash: sha256Schema,
    identityPublicKey: base64Schema(32),
    ...certificate,
  }),
  z.strictObject({ type: z.literal('certificate-renewed'), at, site, ...certificate }),
  /** `proven`: it was revoked in a part of the log that was lost, as the coordinator signed then; else now. */
  z.strictObject({
    type: z.literal('site-revoked'),
    at,
    site,
    reason,
    proven: z.strictObject({ epoch, at }).exactOptional(),
  }),
  /** A site proved, by the coordinator's own signature, that something is missing here: this log is an old copy. */
  z.strictObject({ type: z.literal('loss-proven'), at, by: site, lost: lossSchema }),
  /** The operator goes on from the old copy: what is missing is lost, and what was open is over. See protos/recovery.ts. */
  z.strictObject({
    type: z.literal('coordinator-recovered'),
    at,
    epoch: epoch.min(2),
    ...logHeadSchema.shape,
    signature: base64Schema(64),
  }),
  /** `signedStudy` is the object that holds the study and its lead's signature. */
  z.strictObject({
    type: z.literal('study-created'),
    at,
    study,
    name: z.string().min(1).max(63),
    lead: z.string().max(100),
    signedStudy: sha256Schema,
  }),
  z.strictObject({
    type: z.literal('study-decided'),
    at,
    study,
    site,
    decision: z.enum(['approve', 'reject']),
    reason,
    /** The site's identity over ("decision", study hash, decision). */
    signature: base64Schema(64),
  }),
  /** A site that approved finds that it cannot take part: its data do not fit, say. Holds until it approves again. */
  z.strictObject({ type: z.literal('study-refused'), at, study, site, reason }),
  /** Whom statistics or evaluations are among from now on; signed by the study's lead (protos/plan/partner-change.ts). */
  z.strictObject({
    type: z.literal('partners-changed'),
    at,
    study,
    change: partnerChangeSchema,
    signature: base64Schema(64),
  }),
  /** A site leaves, joins, or goes along with a change, by its own signature. */
  z.strictObject({
    type: z.literal('partners-said'),
    at,
    study,
    site,
    word: z.enum(['leave', 'join', 'agree']),
    /** Of join and agree. */
    change: sha256Schema.exactOptional(),
    /** Of leave. */
    since: z.int().min(0).max(partnerChangesMax).exactOptional(),
    purposes: z.array(z.enum(partnerPurposes)).max(partnerPurposes.length).exactOptional(),
    signature: base64Schema(64),
  }),
  z.strictObject({
    type: z.literal('run-created'),
    at,
    run: runIdSchema,
    study,
    publicKey: base64Schema(32),
    sealedSecretKey: z.base64().max(8192),
    /** Sites left out of statistics and evaluations on purpose. */
    without: z.array(siteNameSchema).max(cohortMax).exactOptional(),
  }),
  /** Anchors the run's stream: its length, the hash of its last entry and, in logs of this version, its Merkle tree hash. */
  z.strictObject({
    type: z.literal('run-ended'),
    at,
    run: runIdSchema,
    outcome: z.enum(['finished', 'failed', 'cancelled']),
    entries: z.int().min(1),
    head: sha256Schema,
    root: sha256Schema.exactOptional(),
  }),
])

export type Loss = z.output<typeof lossSchema>
export type FederationEvent = z.output<typeof federationEventSchema>
export type FederationEventOf<Type extends FederationEvent['type']> = Extract<FederationEvent, { type: Type }>

/** Throws `internal` for what {@link readFederationEvent} would not read: it must not get into the log. */
export function federationEntry(event: FederationEvent): NewEntry {
  const parsed = federationEventSchema.safeParse(event)
  if (!parsed.success)
    throw new FederationError(
      'internal',
      `not an event of a federation, ${event.type}: ${z.prettifyError(parsed.error)}`,
    )
  const { type, at, ...body } = parsed.data
  return { type, at, body }
}

/** Throws `log-broken` where an entry is of a kind this version does not know. */
export function readFederationEvent({ stream, seq, type, at, body }: LogEntry): FederationEvent {
  const parsed = federationEventSchema.safeParse({ ...body, type, at })
  if (!parsed.success)
    throw new FederationError('log-broken', `entry ${seq} of stream ${stream} is no event of a federation: ${type}`)
  return parsed.data
}
