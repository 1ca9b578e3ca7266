/**
 * Which rows train and which test. The hash split is HMAC-SHA-256 (RFC 2104) of the key's text under a key of the site (see
 * `study-keys.ts`), so that a patient of this site is on the same side in every run, and nobody outside can tell on which.
 */
import { createHmac } from 'node:crypto'
import type { Study } from '@consilium/protos/plan/study.ts'

export type Side = 'train' | 'test'

/** Decides by the text of the split's column; undefined leaves the row out (no key, neither `train` nor `test`). */
export function splitter(study: Study, key: Uint8Array): (text: string | null) => Side | undefined {
  if (study.split.by === 'column') return (text) => (text === 'train' || text === 'test' ? text : undefined)
  const { testFraction } = study.split
  return (text) => {
    if (text === null) return undefined
    const digest = createHmac('sha256', key).update(text, 'utf8').digest()
    return digest.readUIntBE(0, 6) / 2 ** 48 < testFraction ? 'test' : 'train'
  }
}

/** The view's column that the split reads. */
export function splitColumn(study: Study): string {
  return study.split.by === 'hash' ? study.split.key : study.split.column
}
