/**
 * What one site contributes to a round, before it is sealed: a small header and one vector. Its bytes are
 * "CSU1" | u32le header length | canonical JSON header | zero padding to a multiple of 8 | vector, little-endian.
 */
import { z } from 'zod'
import { FederationError } from '../errors.ts'
import { canonicalJson } from '../hash.ts'
import { columnsOf, summedValues } from './columns.ts'
import { parameterCount, parseJson, type StudyManifest } from './signed-study.ts'

const count = z
  .int()
  .min(0)
  .max(2 ** 40)
const nonNegative = z.number().min(0)

export const contributionHeaderSchema = z.discriminatedUnion('purpose', [
  z.strictObject({
    /** Vector: float64 [3 x values of the study's columns]: count, sum and sum of squares of each over the training rows. */
    purpose: z.literal('statistics'),
    examples: count,
  }),
  z.strictObject({
    /** Vector: float32 [parameters], the update: local minus global parameters, clipped to `updateNormMax`. */
    purpose: z.literal('train'),
    /** Training rows: the site's weight in the average. */
    examples: count,
    steps: count,
    /** Mean training loss over the local steps. */
    loss: z.number(),
    /** Whether the update was longer than `updateNormMax` and scaled down to it. */
    clipped: z.boolean(),
  }),
  z.strictObject({
    /**
     * Vector: float64. Binary label: [2 x bins], the score histogram of the negative test rows, then of the positive.
     * Other labels: empty.
     */
    purpose: z.literal('evaluate'),
    /** Test rows. */
    examples: count,
    lossSum: nonNegative,
    /** Rows whose most probable class is the true one; 0 for a number label. */
    correct: count,
  }),
])

export type ContributionHeader = z.output<typeof contributionHeaderSchema>
export type Contribution = { readonly header: ContributionHeader; readonly vector: Float32Array | Float64Array }

const magic = Buffer.from('CSU1', 'latin1')
/** Room for the header of a contribution, bytes. */
export const headerBytesMax = 64 * 1024

export function encodeContribution({ header, vector }: Contribution): Uint8Array {
  const json = canonicalJson(header)
  const start = vectorStart(json.length)
  const bytes = new Uint8Array(start + vector.byteLength)
  bytes.set(magic)
  new DataView(bytes.buffer).setUint32(4, json.length, true)
  bytes.set(json, 8)
  bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), start)
  return bytes
}

/** Reads a contribution whose purpose and vector length are known; throws `update-invalid` naming what is wrong. */
export function decodeContribution(
  bytes: Uint8Array,
  purpose: ContributionHeader['purpose'],
  length: number,
): Contribution {
  const header = readHeader(bytes)
  if (header.purpose !== purpose)
    throw new FederationError('update-invalid', `a contribution to ${header.purpose} came in a ${purpose} round`)
  const start = vectorStart(new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true))
  const elementBytes = purpose === 'train' ? 4 : 8
  if (bytes.length !== start + length * elementBytes)
    throw new FederationError(
      'update-invalid',
      `the vector has ${bytes.length - start} bytes, ${length * elementBytes} are due`,
    )
  // A copy of its own, aligned: Buffer's own slice would share the memory of the whole message.
  const copy = new Uint8Array(bytes.subarray(start))
  const vector = purpose === 'train' ? new Float32Array(copy.buffer) : new Float64Array(copy.buffer)
  if (!vector.every(Number.isFinite))
    throw new FederationError('update-invalid', 'the vector holds a value that is not finite')
  return { header, vector }
}

/** The vector's length for a purpose. */
export function contributionLength(
  purpose: ContributionHeader['purpose'],
  sizes: { readonly parameters: number; readonly columns: number; readonly bins: number; readonly binary: boolean },
): number {
  if (purpose === 'statistics') return 3 * sizes.columns
  if (purpose === 'train') return sizes.parameters
  return sizes.binary ? 2 * sizes.bins : 0
}

/** Lengths that decide how long each vector is; `columns`: values that are summed of all columns of the study. */
export function vectorSizes({ layout, study }: StudyManifest): Parameters<typeof contributionLength>[1] {
  return {
    parameters: parameterCount(layout),
    columns: summedValues(columnsOf(study.features)),
    bins: study.evaluation.bins,
    binary: study.label.type === 'binary',
  }
}

function vectorStart(headerLength: number): number {
  return Math.ceil((8 + headerLength) / 8) * 8
}

function readHeader(bytes: Uint8Array): ContributionHeader {
  if (bytes.length < 8 || !magic.equals(bytes.subarray(0, 4)))
    throw new FederationError('update-invalid', 'not a contribution: the first four bytes are wrong')
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true)
  if (length > headerBytesMax || vectorStart(length) > bytes.length)
    throw new FederationError('update-invalid', 'the header of this contribution is too long')
  const parsed = contributionHeaderSchema.safeParse(parseJson(bytes.subarray(8, 8 + length)))
  if (!parsed.success) throw new FederationError('update-invalid', `bad header: ${z.prettifyError(parsed.error)}`)
  return parsed.data
}
