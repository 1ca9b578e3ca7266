/**
 * What can happen in a round, as it stands in the run's event log. Progress is no event: it changes nothing that a
 * restart would have to know.
 */
import { attemptsMax, objectBytesMax, reasonCharactersMax } from '@consilium/protos/limits.ts'
import { logHeadSchema } from '@consilium/protos/log/head.ts'
import { summedColumnsSchema } from '@consilium/protos/plan/columns.ts'
import { base64Schema, purposeSchema, sha256Schema, siteNameSchema } from '@consilium/protos/plan/names.ts'
import { roundPlanSchema } from '@consilium/protos/plan/round-plan.ts'
import { complaintReasons } from '@consilium/protos/secagg/signed-messages.ts'
import { z } from 'zod'

const count = z.int().min(0)
const reason = z.string().max(reasonCharactersMax)
const at = z.iso.datetime()
const round = { round: count, purpose: purposeSchema }
const ofSite = { planHash: sha256Schema, site: siteNameSchema }
const signature = base64Schema(64)
const sites = z.array(siteNameSchema)
const update = { sha256: sha256Schema, bytes: z.int().min(1).max(objectBytesMax) }

/** Why a site takes no further part in a round. */
export const dropoutCauseSchema = z.enum([
  'deadline',
  'absent',
  'refused',
  /** It refused because of a peer that was restored from an old copy, which it named. */
  'peer-restored',
  'withdrawn',
  'revoked',
  'update-invalid',
  /** A message that an honest agent does not send. */
  'misbehaved',
])

/** Absent where there is nothing to measure: no row, one class only, a number label. */
const measures = {
  examples: count,
  /** Mean loss over the test rows. */
  loss: z.number().exactOptional(),
  accuracy: z.number().min(0).max(1).exactOptional(),
  auroc: z.number().min(0).max(1).exactOptional(),
}

export const siteResultSchema = z.strictObject({ site: siteNameSchema, ...measures })

export const roundResultSchema = z.discriminatedUnion('purpose', [
  z.strictObject({ purpose: z.literal('statistics'), examples: count, columns: summedColumnsSchema }),
  z.strictObject({
    purpose: z.literal('train'),
    examples: count,
    /** The new global parameters. */
    parameters: sha256Schema,
    /** Mean training loss, weighted as the updates are. */
    loss: z.number(),
    /** Sites whose update was scaled down to the study's `updateNormMax`. */
    clippedSites: count,
    /** Under masks: survivors that gave more than zeros. */
    contributors: count.exactOptional(),
  }),
  z.strictObject({
    purpose: z.literal('evaluate'),
    ...measures,
    /** Mean of the sites' accuracies, each site counting the same. */
    meanSiteAccuracy: z.number().min(0).max(1).exactOptional(),
    /** Sealed mode only: under masks no site's result is known but to itself. */
    perSite: z.array(siteResultSchema),
  }),
])

export const roundEventSchemas = [
  z.strictObject({
    type: z.literal('round-started'),
    at,
    ...round,
    expected: z.array(siteNameSchema),
    /** Of statistics: the one set of sites that may sum its columns, where sites masked for a sum of them before. */
    partners: z.array(siteNameSchema).exactOptional(),
    /** From the second attempt of a round among partners on. */
    attempt: z.int().min(2).max(attemptsMax).exactOptional(),
  }),
  z.strictObject({
    type: z.literal('cohort-selected'),
    at,
    ...round,
    plan: roundPlanSchema,
    planHash: sha256Schema,
  }),
  z.strictObject({ type: z.literal('work-done'), at, ...ofSite }),
  /** Secure rounds: keys advertised (body and signature, base64), and who advertised them when the phase ended (U1). */
  z.strictObject({ type: z.literal('keys-advertised'), at, ...ofSite, body: z.base64().max(400), signature }),
  z.strictObject({ type: z.literal('directory-fixed'), at, planHash: sha256Schema, sid: sha256Schema, sites }),
  /** `hash` is what the signature covers; `message` is the object that holds all of it. */
  z.strictObject({
    type: z.literal('keys-shared'),
    at,
    ...ofSite,
    hash: sha256Schema,
    signature,
    message: sha256Schema,
  }),
  /** Who shared its keys (U2): whoever drops out from here on is unmasked by the survivors. */
  z.strictObject({ type: z.literal('sharers-fixed'), at, planHash: sha256Schema, u2Hash: sha256Schema, sites }),
  z.strictObject({
    type: z.literal('complaint-received'),
    at,
    ...ofSite,
    against: siteNameSchema,
    reason: z.enum(complaintReasons),
    signature,
  }),
  /** Whose updates are added (U3), and the head of this log that the sites sign with it. */
  z.strictObject({
    type: z.literal('survivors-fixed'),
    at,
    planHash: sha256Schema,
    u3Hash: sha256Schema,
    sites,
    logHead: logHeadSchema,
  }),
  z.strictObject({ type: z.literal('survivors-confirmed'), at, ...ofSite, signature }),
  /** What a survivor revealed; `message` is the object that holds it. */
  z.strictObject({
    type: z.literal('shares-revealed'),
    at,
    ...ofSite,
    hash: sha256Schema,
    signature,
    message: sha256Schema,
  }),
  z.strictObject({ type: z.literal('site-dropped'), at, ...ofSite, cause: dropoutCauseSchema, reason }),
  /** The hash and size of what a site begins to upload; it cannot change its mind within the round. */
  z.strictObject({
    type: z.literal('update-announced'),
    at,
    ...ofSite,
    ...update,
    /** Secure mode: what the site signed about its masked vectors, their SHA-256 in the plan's order. */
    masked: z
      .strictObject({ root: sha256Schema, vectorHashes: z.array(sha256Schema).min(1).max(4), signature })
      .exactOptional(),
  }),
  z.strictObject({ type: z.literal('update-received'), at, ...ofSite, ...update }),
  /** An upload that came after its site was dropped; recorded once, without effect. */
  z.strictObject({ type: z.literal('late-update-refused'), at, ...ofSite, reason }),
  z.strictObject({
    type: z.literal('round-committed'),
    at,
    planHash: sha256Schema,
    result: roundResultSchema,
    /** Secure mode: the object that holds the unmasked vectors, one after the other. */
    sums: sha256Schema.exactOptional(),
  }),
  /** What a survivor signed of that sum (`verdictMessage`). */
  z.strictObject({ type: z.literal('sum-verified'), at, ...ofSite, signature }),
  z.strictObject({ type: z.literal('sum-not-verified'), at, ...ofSite, signature }),
  z.strictObject({
    type: z.literal('round-failed'),
    at,
    ...round,
    code: z.enum([
      'cohort-too-small',
      'quorum-lost',
      'update-invalid',
      'too-few-contributors',
      'shares-invalid',
      'round-unverified',
      'peer-restored',
      /** The sites that trained from this model before are not all there. */
      'cohort-differencing',
      /** An evaluation, or statistics, that lacked one of its sites. */
      'withheld',
      /** The means of its columns came of another run meanwhile: it is not needed as it was. */
      'column-summed',
      /** The same, lost after its plan: another attempt follows. */
      'interrupted',
      'cancelled',
    ]),
    reason,
  }),
] as const

export const roundEventSchema = z.discriminatedUnion('type', roundEventSchemas)

export type RoundEvent = z.output<typeof roundEventSchema>
export type RoundResult = z.output<typeof roundResultSchema>
export type SiteResult = z.output<typeof siteResultSchema>
export type DropoutCause = z.output<typeof dropoutCauseSchema>
export type EventOf<Type extends RoundEvent['type']> = Extract<RoundEvent, { type: Type }>

/** A reason cut to what an event may hold. */
export function shortReason(text: string): string {
  return text.length <= reasonCharactersMax ? text : `${text.slice(0, reasonCharactersMax - 3)}...`
}
