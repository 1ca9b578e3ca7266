/**
 * The ledger of a site's sessions (fedsum, section E.6): every session it begins is one numbered entry, chained by hash to
 * the one before, and stands signed in what the site advertises. A site that was restored from an old copy goes back in it,
 * or takes another path, and whoever saw it further on finds that out. `recover` begins its next epoch.
 */
import { labelledHash } from '../hash.ts'
import { exactly } from './transcript.ts'

/** Where a ledger stands. */
export type LedgerPosition = {
  /** From 1; one more after each `site-agent recover`. */
  readonly epoch: number
  /** Of the newest entry; grows over all epochs, and may skip numbers at a new one. */
  readonly number: number
  /** Hash over the newest entry and all before it, 32 bytes. */
  readonly head: Uint8Array
}

export const ledgerBytes = 44
/** The head before the first entry. */
export const emptyLedgerHead = new Uint8Array(32)
export const ledgerEpochMax = 2 ** 32 - 1

/** H("session-ledger", head before, u32 epoch, u64 number, entry): `entry` is the plan's hash, or 32 zeros for a recovery. */
export function nextLedgerHead(
  before: Uint8Array,
  { epoch, number }: Pick<LedgerPosition, 'epoch' | 'number'>,
  entry: Uint8Array,
): Uint8Array {
  const head = exactly(32, before, 'the head of a ledger')
  return Uint8Array.from(
    labelledHash('session-ledger', head, counters({ epoch, number }), exactly(32, entry, 'an entry of a ledger')),
  )
}

/** u32 epoch || u64 number || head. */
export function encodeLedger(position: LedgerPosition): Uint8Array {
  return Buffer.concat([counters(position), exactly(32, position.head, 'the head of a ledger')])
}

/** Of exactly `ledgerBytes`; undefined for numbers that no ledger reaches. */
export function decodeLedger(bytes: Uint8Array): LedgerPosition | undefined {
  const view = Buffer.from(exactly(ledgerBytes, bytes, 'the place in a ledger'))
  const [epoch, number] = [view.readUInt32BE(0), view.readBigUInt64BE(4)]
  if (epoch < 1 || number < 1n || number > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return { epoch, number: Number(number), head: Uint8Array.from(view.subarray(12)) }
}

/** Whether `now` can follow `seen`: `forked` where it is the same number, and another head. */
export function compareLedgers(now: LedgerPosition, seen: LedgerPosition): 'ahead' | 'same' | 'behind' | 'forked' {
  if (now.epoch !== seen.epoch) return now.epoch > seen.epoch ? 'ahead' : 'behind'
  if (now.number !== seen.number) return now.number > seen.number ? 'ahead' : 'behind'
  return Buffer.compare(now.head, seen.head) === 0 ? 'same' : 'forked'
}

function counters({ epoch, number }: Pick<LedgerPosition, 'epoch' | 'number'>): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(epoch, 0)
  bytes.writeBigUInt64BE(BigInt(number), 4)
  return bytes
}
