/**
 * Which vectors every site uploads for a purpose, and how long they are (fedsum, decision 7): the header always, then the
 * update, the statistics or the counts of an evaluation, each under masks of its own.
 */
import { type Column, summedValues } from '../plan/columns.ts'
import type { vectorSizes } from '../plan/contribution.ts'
import type { Purpose } from '../plan/names.ts'
import { evaluationCountsLength } from './evaluation-counts.ts'
import { headerName, headerWords } from './header.ts'
import { histogramsName } from './histograms.ts'
import { statisticsName, wordsPerValue } from './statistics.ts'
import type { Lift } from './sum-tags.ts'

export const updateName = 'update'

/** `words`: 32-bit words, little-endian on the wire. */
export type SecureVector = { readonly name: string; readonly words: number }

const headerVector: SecureVector = { name: headerName, words: headerWords }

export function secureVectors(purpose: Purpose, sizes: ReturnType<typeof vectorSizes>): SecureVector[] {
  if (purpose === 'train') return [headerVector, { name: updateName, words: sizes.parameters }]
  if (purpose === 'statistics')
    return [headerVector, { name: statisticsName, words: wordsPerValue * 3 * sizes.columns }]
  return [headerVector, { name: histogramsName, words: evaluationCountsLength(sizes.binary ? sizes.bins : 0) }]
}

/** What is uploaded of statistics of these columns. */
export function statisticsVectors(columns: readonly Column[]): SecureVector[] {
  return [headerVector, { name: statisticsName, words: wordsPerValue * 3 * summedValues(columns) }]
}

/** How the words of a vector other than the header are read, at both ends alike. */
export function liftOf(vector: string): Lift {
  return vector === histogramsName ? 'unsigned' : 'centred'
}

/** Whether a round's sum makes something that sites go on with, and so carries tags: an evaluation steers no model. */
export function isTagged(purpose: Purpose): boolean {
  return purpose !== 'evaluate'
}

/** Bytes of one site's upload. */
export function secureUploadBytes(vectors: readonly SecureVector[]): number {
  return 4 * vectors.reduce((sum, { words }) => sum + words, 0)
}
