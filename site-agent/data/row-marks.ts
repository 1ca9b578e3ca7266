/**
 * Marks of test rows: for each row of an evaluation the first 8 bytes of an HMAC-SHA-256 (RFC 2104), under a key of the site,
 * of all that the evaluation sees of it. Kept in place of the records, they tell how many rows differ from those of an
 * earlier evaluation, and nothing else to anybody without the site secret.
 */
import { createHmac } from 'node:crypto'
import type { StudyData } from './study-data.ts'

export const markBytes = 8

/** One mark after the other, ascending; equal rows have equal marks. */
export function rowMarks(
  { columns, labels }: Pick<StudyData, 'columns' | 'labels'>,
  rows: Int32Array,
  key: Uint8Array,
): Uint8Array {
  const marks = Array.from(rows, (row) => {
    const hmac = createHmac('sha256', key)
    for (const { values } of columns) hmac.update(cellBytes(values[row]!))
    return hmac
      .update(cellBytes(Number(labels[row])))
      .digest()
      .readBigUInt64BE()
  })
  const sorted = BigUint64Array.from(marks).sort()
  const bytes = Buffer.alloc(markBytes * sorted.length)
  sorted.forEach((mark, i) => {
    bytes.writeBigUInt64BE(mark, markBytes * i)
  })
  return new Uint8Array(bytes)
}

/** How many rows one has to change to come from one to the other: those that went, or those that came, whichever are more. */
export function changedRows(before: Uint8Array, after: Uint8Array): number {
  const [one, other] = [Buffer.from(before), Buffer.from(after)]
  let [i, j, same] = [0, 0, 0]
  while (i < one.length && j < other.length) {
    const order = one.compare(other, j, j + markBytes, i, i + markBytes)
    if (order === 0) same += 1
    if (order <= 0) i += markBytes
    if (order >= 0) j += markBytes
  }
  return Math.max(one.length, other.length) / markBytes - same
}

/** Every number has one spelling, and no text is one. */
function cellBytes(value: number | string): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value, 'utf8')
    const head = Buffer.alloc(5)
    head.writeUInt8(1)
    head.writeUInt32BE(text.length, 1)
    return Buffer.concat([head, text])
  }
  const bytes = Buffer.alloc(9)
  // One zero, one NaN.
  bytes.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value + 0, 1)
  return bytes
}
