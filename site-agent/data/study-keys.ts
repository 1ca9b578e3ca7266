/**
 * What a study's trainer draws by: which rows test, and in which order rows train. Both follow from the site secret (HKDF,
 * RFC 5869), 32 random bytes that this site alone has: who writes a study can neither choose nor work out where a patient
 * falls, and the same study at the same site always draws the same.
 */
import { hkdfSync } from 'node:crypto'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Study } from '@consilium/protos/plan/study.ts'

export type StudyKeys = {
  /** Of the hash split, 32 bytes; every fraction and key column has a key of its own, so two sides tell nothing together. */
  readonly split: Uint8Array
  /** Of the order of rows in every round of this study, 32 bytes. */
  readonly order: Uint8Array
  /** Of the marks of this study's test rows, 32 bytes. */
  readonly marks: Uint8Array
}

export function studyKeys(siteSecret: Uint8Array, hash: Sha256, { split }: Pick<Study, 'split'>): StudyKeys {
  const by = split.by === 'hash' ? `${split.testFraction}\0${split.key}` : ''
  return {
    split: derive(siteSecret, `split\0${by}`),
    order: derive(siteSecret, `order\0${hash}`),
    marks: derive(siteSecret, `marks\0${hash}`),
  }
}

function derive(siteSecret: Uint8Array, use: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', siteSecret, new Uint8Array(), `fedsum/v1/site/${use}`, 32))
}
