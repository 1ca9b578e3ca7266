/**
 * What the agent and its training process say to each other over the IPC channel. Either end checks what it hears: native
 * code runs in the child, and a crash may leave anything behind.
 */
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import { sha256Schema } from '@consilium/protos/plan/names.ts'
import { standardisationSchema } from '@consilium/protos/plan/round-plan.ts'
import { studyManifestSchema } from '@consilium/protos/plan/signed-study.ts'
import { z } from 'zod'

/** Longest text of an error, characters. */
const errorCharactersMax = 10_000

const id = z.int().min(0)
const count = z.int().min(0)
const float32 = z.custom<Float32Array>((value) => value instanceof Float32Array)
const float64 = z.custom<Float64Array>((value) => value instanceof Float64Array)
const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array)
const input = { parameters: float32, standardisation: standardisationSchema.optional() }
const checkpoint = z.strictObject({
  steps: count,
  lossSum: z.number(),
  parameters: float32,
  optimizerState: float32,
  data: sha256Schema,
})

export const toChildSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('load'),
    id,
    keys: z.strictObject({ split: bytes, order: bytes, marks: bytes }),
    siteConfigPath: z.string().max(4096),
    manifest: studyManifestSchema,
    graph: bytes,
  }),
  z.strictObject({ type: z.literal('statistics'), id }),
  z.strictObject({
    type: z.literal('train'),
    id,
    round: count.max(100_000),
    ...input,
    from: checkpoint.optional(),
    keeps: z.boolean(),
  }),
  z.strictObject({ type: z.literal('evaluate'), id, ...input }),
  z.strictObject({ type: z.literal('cancel'), id }),
  /** The checkpoint that came last is kept, which took so long. */
  z.strictObject({ type: z.literal('kept'), id, keepingMs: z.number().min(0) }),
])

/** What each request comes back with. */
export const resultSchemas = {
  load: z.strictObject({
    trainRows: count,
    testRows: count,
    patients: count.exactOptional(),
    patientColumn: z.string().max(63).exactOptional(),
    droppedRows: count,
    remarks: z.array(z.string().max(10_000)).max(10_000),
    testMarks: bytes,
  }),
  statistics: z.strictObject({ examples: count, sums: float64 }),
  train: z.strictObject({
    update: float32,
    examples: count,
    steps: count,
    loss: z.number(),
    diverged: z.literal(true).exactOptional(),
    zeroShare: z.number().min(0).max(1),
  }),
  evaluate: z.strictObject({ examples: count, lossSum: z.number(), correct: count, histogram: float64 }),
}

export const fromChildSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('progress'), id, done: count, total: count }),
  /** Where the training stands; the next one comes after `kept`. */
  z.strictObject({ type: z.literal('checkpoint'), id, checkpoint }),
  z.strictObject({ type: z.literal('result'), id, value: z.unknown() }),
  z.strictObject({
    type: z.literal('error'),
    id,
    code: z.string().max(100),
    message: z.string().max(errorCharactersMax),
  }),
])

export type ToChild = z.output<typeof toChildSchema>
export type FromChild = z.output<typeof fromChildSchema>
export type Request = Exclude<ToChild, { type: 'cancel' | 'kept' }>
export type Result<Type extends Request['type']> = z.output<(typeof resultSchemas)[Type]>

/** An error as the child tells it. Of what is not ours only name and stack are told: its text may quote a value. */
export function errorMessageFor(id: number, error: unknown): FromChild & { type: 'error' } {
  if (error instanceof FederationError)
    return { type: 'error', id, code: error.code, message: error.message.slice(0, errorCharactersMax) }
  const name = error instanceof Error ? error.name : typeof error
  return { type: 'error', id, code: 'trainer-failed', message: `the training process met an unexpected ${name}` }
}

export function errorFrom(message: FromChild & { type: 'error' }): FederationError {
  return new FederationError(message.code as ErrorCode, message.message)
}

/** A message of the other end against its schema; throws `trainer-failed`. */
export function checked<Schema extends z.ZodType>(schema: Schema, message: unknown): z.output<Schema> {
  const parsed = schema.safeParse(message)
  if (parsed.success) return parsed.data
  const paths = parsed.error.issues.map((issue) => issue.path.join('.') || 'it').slice(0, 5)
  throw new FederationError(
    'trainer-failed',
    `a message between agent and training process is malformed: ${paths.join(', ')}`,
  )
}
