/**
 * A column is summed once (fedsum, section E.4): for one set of sites and with one share of this site, in all studies and
 * runs, so no two sums of it differ by a hospital or by a row. Its mean is taken by every later study. What a site refuses
 * here hangs on what it was asked before, on no record.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { type Column, columnStarts, columnsOf, summedValues } from '@consilium/protos/plan/columns.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Assignment } from './assignment.ts'
import { ownKey } from './own-keys.ts'
import type { Site } from './site.ts'
import { type Asked, type ColumnStore, checkColumns, summedBefore } from './summed-once.ts'

/** Throws `message-invalid` for columns that the study does not have, in its order, each once. */
export function checkColumnsOfStudy({ purpose, secure, columns }: RoundPlan, { study }: StudyManifest): void {
  const due = purpose === 'statistics' && secure !== undefined
  if (due !== (columns !== undefined))
    throw new FederationError('message-invalid', `the plan ${due ? 'names no' : 'names'} columns to sum`)
  let next = 0
  const own = columnsOf(study.features)
  for (const column of columns ?? []) {
    const at = own.findIndex((each, i) => i >= next && isSame(each, column))
    if (at < 0)
      throw new FederationError('message-invalid', `the column ${column.name} is not one that the study has there`)
    next = at + 1
  }
}

/**
 * Before this site masks: the columns are summed for these sites from now on. Throws `column-summed` also where another plan
 * masked one while this one had worked already, with a share of its own.
 */
export function settleColumns(asked: Asked, store: ColumnStore): void {
  const { planHash, plan } = asked
  const names = (plan.columns ?? []).map(({ name }) => name)
  checkColumns(asked, store)
  for (const name of names) {
    const sum = store.columns.summed(name)
    if (sum && sum.planHash !== planHash && store.columns.share(planHash, name)?.repeats !== sum.planHash)
      throw summedBefore(name, 'another plan masked its sum while this one worked')
  }
  store.columns.settle(names, { planHash, sites: plan.cohort })
}

/**
 * This site's share of the sum that a plan asks for, from `sums` over all columns of the study, float64 [3 x values]; of a
 * column that it masked before, the same share again.
 */
export function ownShare(
  { planHash, plan, study }: Assignment,
  sums: Float64Array,
  site: Pick<Site, 'identity'> & { readonly store: ColumnStore },
): Float64Array {
  const all = columnsOf(study.manifest.study.features)
  const starts = columnStarts(all)
  const asked = plan.columns ?? []
  checkColumns({ planHash, plan }, site.store)
  const shares = asked.map((column) => {
    const at = starts[all.findIndex((each) => isSame(each, column))]!
    const fresh = slicesOf(sums, at, summedValues([column]))
    return shareOf(column.name, planHash, fresh, site)
  })
  return joined(shares, asked)
}

/** In a further attempt: what this site gave to the columns' sums under the plan before, it gives under this one. */
export function repeatShares(before: Sha256, { planHash, plan }: Asked, { columns }: ColumnStore): void {
  for (const { name } of plan.columns ?? []) {
    const share = columns.share(before, name)
    const first = columns.summed(name)?.planHash
    if (share) columns.keepShare(planHash, name, { sealed: share.sealed, ...(first && { repeats: first }) })
  }
}

function shareOf(
  name: string,
  planHash: Sha256,
  fresh: Float64Array,
  { identity, store: { columns } }: Parameters<typeof ownShare>[2],
): Float64Array {
  const masked = columns.summed(name)
  const before = masked && masked.planHash !== planHash ? columns.share(masked.planHash, name) : undefined
  const own = columns.share(planHash, name)
  const share = before
    ? opened(before.sealed, identity, name)
    : masked && own
      ? opened(own.sealed, identity, name)
      : fresh
  const repeats = before && masked ? { repeats: masked.planHash } : {}
  columns.keepShare(planHash, name, { sealed: sealed(share, identity, name), ...repeats })
  return share
}

/** Counts, sums and squares of one column: three slices of `length`. */
function slicesOf(sums: Float64Array, from: number, length: number): Float64Array {
  const values = sums.length / 3
  const parts = [0, 1, 2].map((part) => sums.subarray(part * values + from, part * values + from + length))
  return Float64Array.from(parts.flatMap((part) => [...part]))
}

/** The shares of all columns as one vector: all counts, then all sums, then all squares. */
function joined(shares: readonly Float64Array[], columns: readonly Column[]): Float64Array {
  const whole = new Float64Array(3 * summedValues(columns))
  const starts = columnStarts(columns)
  shares.forEach((share, i) => {
    const length = share.length / 3
    for (let part = 0; part < 3; part++)
      whole.set(share.subarray(part * length, (part + 1) * length), (part * whole.length) / 3 + starts[i]!)
  })
  return whole
}

const nonceBytes = 12
const tagBytes = 16

function sealed(share: Float64Array, identity: Site['identity'], name: string): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', ownKey(identity, 'columns'), nonce).setAAD(Buffer.from(name))
  const plain = new Uint8Array(share.buffer, share.byteOffset, share.byteLength)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function opened(bytes: Uint8Array, identity: Site['identity'], name: string): Float64Array {
  const end = bytes.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', ownKey(identity, 'columns'), bytes.subarray(0, nonceBytes))
  decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(end))
  const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes, end)), decipher.final()])
  return new Float64Array(new Uint8Array(plain).buffer)
}

function isSame(one: Column, other: Column): boolean {
  return canonicalJson(one).equals(canonicalJson(other))
}
