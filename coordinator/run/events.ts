/** What can happen in a run, and how it stands in the run's stream of the event log (`run/<id>`). */
import { FederationError } from '@consilium/protos/errors.ts'
import { cohortMax, reasonCharactersMax } from '@consilium/protos/limits.ts'
import type { LogEntry, NewEntry } from '@consilium/protos/log/entry.ts'
import { base64Schema, runIdSchema, sha256Schema, siteNameSchema } from '@consilium/protos/plan/names.ts'
import { roundPlanSchema, summedSchema } from '@consilium/protos/plan/round-plan.ts'
import { z } from 'zod'
import { roundEventSchemas } from '../round/events.ts'

const at = z.iso.datetime()
const reason = z.string().max(reasonCharactersMax)

export const runEventSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('run-started'),
    at,
    run: runIdSchema,
    study: sha256Schema,
    /** X25519 public key of the run; the secret half is sealed by the key vault. */
    publicKey: base64Schema(32),
    sealedSecretKey: z.base64().max(8192),
    /** Whom earlier runs of the study settled on. */
    partners: z
      .strictObject({
        statistics: z.array(siteNameSchema).max(cohortMax).exactOptional(),
        evaluate: z.array(siteNameSchema).max(cohortMax).exactOptional(),
      })
      .exactOptional(),
    /** Sites that whoever started the run leaves out of statistics and evaluations. */
    without: z.array(siteNameSchema).max(cohortMax).exactOptional(),
  }),
  /** The coordinator was started again: the phase gets its whole time once more. */
  z.strictObject({ type: z.literal('run-resumed'), at }),
  /** The lead changed them, and every site goes along: whom the next statistics and evaluations are among. */
  z.strictObject({
    type: z.literal('run-partners-changed'),
    at,
    partners: z.strictObject({
      statistics: z.array(siteNameSchema).max(cohortMax).exactOptional(),
      evaluate: z.array(siteNameSchema).max(cohortMax).exactOptional(),
    }),
  }),
  /** Means that another run's statistics gave, with those who verified the sum, and the plan by which it was taken. */
  z.strictObject({ type: z.literal('columns-taken'), at, summed: summedSchema, plan: roundPlanSchema }),
  ...roundEventSchemas,
  z.strictObject({
    type: z.literal('run-rolled-back'),
    at,
    /** The train round whose model the run returns to, and that model. */
    round: z.int().min(1),
    parameters: sha256Schema,
    reason,
    /** The coordinator's, over ("rollback", run, u32 round, parameters). */
    signature: base64Schema(64),
  }),
  /** Somebody waits no longer for the evaluation of the last model: it stays a gap. */
  z.strictObject({ type: z.literal('evaluation-skipped'), at, round: z.int().min(1), reason }),
  z.strictObject({ type: z.literal('run-finished'), at, model: sha256Schema, parameters: sha256Schema }),
  z.strictObject({ type: z.literal('run-failed'), at, code: z.string().max(100), reason }),
  z.strictObject({ type: z.literal('run-cancelled'), at, reason }),
])

export type RunEvent = z.output<typeof runEventSchema>

/** Events that end a run: nothing follows them in its stream. */
export const endings = { 'run-finished': 'finished', 'run-failed': 'failed', 'run-cancelled': 'cancelled' } as const

export function runStream(run: string): string {
  return `run/${run}`
}

/** Throws `internal` for what {@link readRunEvent} would not read: it must not get into the log. */
export function runEntry(event: RunEvent): NewEntry {
  const parsed = runEventSchema.safeParse(event)
  if (!parsed.success)
    throw new FederationError('internal', `not an event of a run, ${event.type}: ${z.prettifyError(parsed.error)}`)
  const { type, at, ...body } = parsed.data
  return { type, at, body }
}

/** Throws `log-broken` where an entry is of a kind this version does not know. */
export function readRunEvent({ stream, seq, type, at, body }: LogEntry): RunEvent {
  const parsed = runEventSchema.safeParse({ ...body, type, at })
  if (!parsed.success)
    throw new FederationError('log-broken', `entry ${seq} of stream ${stream} is no event of a run: ${type}`)
  return parsed.data
}
