/** Marks of rows: the same rows have the same marks in any order, a changed value another one, and counts tell how many. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changedRows, markBytes, rowMarks } from '../../../site-agent/data/row-marks.ts'

const key = new Uint8Array(32).fill(1)

type Row = readonly [number, string, number]

function marksOf(rows: readonly Row[], by = key, which = rows.map((_, i) => i)): Uint8Array {
  const columns = [
    { name: 'age', values: Float32Array.from(rows, ([age]) => age) },
    { name: 'ward', values: rows.map(([, ward]) => ward) },
  ]
  return rowMarks({ columns, labels: Float32Array.from(rows, ([, , label]) => label) }, Int32Array.from(which), by)
}

const rows: readonly Row[] = [
  [63, 'a', 1],
  [41, 'b', 0],
  [Number.NaN, '', 1],
  [41, 'b', 0],
]

describe('marks', () => {
  test('are eight bytes a row, the same in any order, others under another key', () => {
    const marks = marksOf(rows)
    expect(marks).toHaveLength(markBytes * rows.length)
    expect(marksOf([...rows].reverse())).toEqual(marks)
    expect(marksOf(rows, new Uint8Array(32).fill(2))).not.toEqual(marks)
    expect(marksOf(rows, key, [0, 2])).toHaveLength(2 * markBytes)
  })

  test.for<[string, Row]>([
    ['a value', [64, 'a', 1]],
    ['a text', [63, 'A', 1]],
    ['the label', [63, 'a', 0]],
    ['a value that is missing now', [Number.NaN, 'a', 1]],
  ])('tell that %s changed', ([, changed]) => {
    expect(changedRows(marksOf(rows), marksOf([changed, ...rows.slice(1)]))).toBe(1)
  })

  test('do not run into each other from cell to cell', () => {
    const texts = (one: string, other: string) =>
      rowMarks(
        { columns: [one, other].map((text) => ({ name: text, values: [text] })), labels: Float32Array.of(1) },
        Int32Array.of(0),
        key,
      )
    expect(texts('ab', 'c')).not.toEqual(texts('a', 'bc'))
  })

  test('no zero but one, no NaN but one', () => {
    expect(marksOf([[-0, 'a', 1]])).toEqual(marksOf([[0, 'a', 1]]))
  })
})

test('of rows that went and rows that came the more are counted, whatever stands between', () => {
  const row = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom('a', 'b'), fc.constantFrom(0, 1))
  const list = fc.array(row, { maxLength: 30 })
  fc.assert(
    fc.property(list, list, list, (kept, gone, come) => {
      const text = (one: Row) => JSON.stringify(one)
      const counts = (of: readonly Row[]) => Map.groupBy(of.map(text), (one) => one)
      const [before, after] = [counts([...kept, ...gone]), counts([...kept, ...come])]
      const lacks = (one: typeof before, other: typeof before) =>
        [...one].reduce((sum, [each, all]) => sum + Math.max(0, all.length - (other.get(each)?.length ?? 0)), 0)
      expect(changedRows(marksOf([...kept, ...gone]), marksOf([...kept, ...come]))).toBe(
        Math.max(lacks(before, after), lacks(after, before)),
      )
    }),
  )
})
