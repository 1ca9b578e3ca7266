/**
 * The signed plan of one round: who takes part, on which global model, for which purpose. A site works only for a plan
 * that its pinned coordinator key signed (fedsum, section A.1: message P).
 */
import { z } from 'zod'
import { FederationError } from '../errors.ts'
import { canonicalJson, labelledHash } from '../hash.ts'
import { type Identity, sign, verifySignature } from '../identity.ts'
import { attemptsMax, cohortMax, planBytesMax } from '../limits.ts'
import { logHeadSchema } from '../log/head.ts'
import { vectorNamePattern } from '../secagg/keys.ts'
import { columnsSchema, summedColumnsSchema } from './columns.ts'
import { base64Schema, purposeSchema, runIdSchema, type Sha256, sha256Schema, siteNameSchema } from './names.ts'
import { parseJson } from './signed-study.ts'

/** Mean and standard deviation of every design column over all sites' training rows; lengths equal the columns. */
export const standardisationSchema = z.strictObject({
  means: z.array(z.number()).max(1_000_000),
  standardDeviations: z.array(z.number().min(0)).max(1_000_000),
})

/** Secure aggregation of one round (fedsum, section A.1). t is not in it: every site derives it from the directory. */
export const secureRoundSchema = z.strictObject({
  /** Ed25519 identities of the cohort, in its order; a site's index is its position, from 1 on. */
  roster: z.array(base64Schema(32)).min(3).max(cohortMax),
  /** c: how many sites may collude with the coordinator. */
  colluders: z.int().min(0).max(cohortMax),
  /** m: fewest sites in the sum. */
  survivorsMin: z.int().min(3).max(cohortMax),
  /** What every site uploads, in this order. */
  vectors: z
    .array(
      z.strictObject({
        name: z.string().regex(vectorNamePattern),
        words: z
          .int()
          .min(1)
          .max(2 ** 34),
      }),
    )
    .min(1)
    .max(4),
})

/**
 * Who verified the sum that made a model or a standardisation (fedsum, section E.3): what a site that was not in that round
 * takes it over by. Each signature is over `verdictMessage`.
 */
export const provenSchema = z.strictObject({
  /** Of the round that made it. */
  planHash: sha256Schema,
  /** SHA-256 of its unmasked vectors. */
  sums: sha256Schema,
  verified: z.array(z.strictObject({ site: siteNameSchema, signature: base64Schema(64) })).max(cohortMax),
})

/**
 * Columns that a statistics round summed, of this run or of another one, with those who verified their sum: the means and
 * deviations that every later study takes (fedsum, section E.4). What they signed is the hash of all `columns`.
 */
export const summedSchema = z.strictObject({ run: runIdSchema, ...provenSchema.shape, columns: summedColumnsSchema })

/** Since 2: shares of 96 bytes with a part of the group secret, and tags in the header. */
export const roundPlanFormat = 2

export const roundPlanSchema = z.strictObject({
  format: z.literal(roundPlanFormat, {
    error: `not ${roundPlanFormat}: coordinator and agent are of different versions`,
  }),
  run: runIdSchema,
  study: sha256Schema,
  /** 1-based; statistics are round 0. A train round and the evaluation of its result carry the same number. */
  round: z.int().min(0).max(100_000),
  purpose: purposeSchema,
  /** In the order of the names. */
  cohort: z.array(siteNameSchema).min(1).max(cohortMax),
  /** SHA-256 of the global parameters this round starts from (or evaluates). */
  model: sha256Schema,
  /** Absent in the statistics round and where the study standardises per site or not at all. */
  standardisation: standardisationSchema.exactOptional(),
  /** The run's event log as it was when this plan was made: it extends every head that a site has confirmed. */
  logHead: logHeadSchema,
  /** Position in the log of the entry that made `model`; absent for the study's initial parameters. */
  modelEntry: z.int().min(0).exactOptional(),
  /** Secure mode, of statistics: the columns that are summed, those of the study that never were. */
  columns: columnsSchema.exactOptional(),
  /** Secure mode: of `model`, unless it is the study's initial one, and of the columns that `standardisation` is put together from. */
  proven: z
    .strictObject({
      model: provenSchema.exactOptional(),
      columns: z.array(summedSchema).max(cohortMax).exactOptional(),
    })
    .exactOptional(),
  /**
   * From the second attempt of a round on, and the hash of the plan before it, of which all but the head of the log stands
   * here once more (`attempts.ts`). Absent in the first.
   */
  attempt: z.strictObject({ number: z.int().min(2).max(attemptsMax), after: sha256Schema }).exactOptional(),
  /** Sealed mode: the X25519 public key of the run, to which updates are sealed. */
  runPublicKey: base64Schema(32).exactOptional(),
  /** Secure mode: what the masks and thresholds follow from. */
  secure: secureRoundSchema.exactOptional(),
})

export type Standardisation = z.output<typeof standardisationSchema>
export type Proven = z.output<typeof provenSchema>
export type Summed = z.output<typeof summedSchema>
export type SecureRound = z.output<typeof secureRoundSchema>
export type RoundPlan = z.output<typeof roundPlanSchema>
/** The plan's canonical bytes and the coordinator's signature over its hash. */
export type SignedRoundPlan = { readonly bytes: Uint8Array; readonly signature: Uint8Array }

/** H("plan", canonical plan, model hash), hexadecimal: the name of the round's work everywhere. */
export function planHash(plan: RoundPlan): Sha256 {
  const known = hashes.get(plan)
  if (known) return known
  const hash = labelledHash('plan', canonicalJson(plan), Buffer.from(plan.model, 'hex')).toString('hex')
  hashes.set(plan, hash)
  return hash
}

/** A plan is long, asked for its name in each check of it, and never changed. */
const hashes = new WeakMap<RoundPlan, Sha256>()

export function signRoundPlan(plan: RoundPlan, coordinator: Identity): SignedRoundPlan {
  return { bytes: canonicalJson(plan), signature: sign(coordinator, 'plan', Buffer.from(planHash(plan), 'hex')) }
}

/** Parses a plan and verifies it under the pinned coordinator key; throws `message-invalid` or `signature-invalid`. */
export function readRoundPlan(signed: SignedRoundPlan, coordinatorPublicKey: Uint8Array): RoundPlan {
  if (signed.bytes.length > planBytesMax)
    throw new FederationError('limit-exceeded', `a round plan has at most ${planBytesMax} bytes`)
  const parsed = roundPlanSchema.safeParse(parseJson(signed.bytes))
  if (!parsed.success)
    throw new FederationError('message-invalid', `not a round plan: ${z.prettifyError(parsed.error)}`)
  const hash = Buffer.from(planHash(parsed.data), 'hex')
  if (!verifySignature(coordinatorPublicKey, signed.signature, 'plan', hash))
    throw new FederationError('signature-invalid', 'the plan is not signed by the coordinator this site pinned')
  return parsed.data
}
