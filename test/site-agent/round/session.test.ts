/** What the coordinator tells twice is compared by value with what a session kept of it. */
import { deserialize, serialize } from 'node:v8'
import { expect, test } from 'vitest'
import { isSame } from '../../../site-agent/round/session.ts'

/** The engine may keep a field as floating-point once one of its kind was; what is stored and read again is whole. */
function floating(size: number): { size: number } {
  const head = { size: 0.5 }
  head.size = size
  return head
}

test('a number that the engine keeps otherwise is the same number', () => {
  const came = floating(2)
  const kept = deserialize(serialize({ size: 2 }))
  expect(isSame([came], [kept])).toBe(true)
  expect(isSame([came], [{ size: 3 }])).toBe(false)
})

test('bytes and fields are the same whatever holds them and in whatever order they were set, and nothing else is', () => {
  const root = Uint8Array.of(1, 2)
  const kept = { index: 1, root: Buffer.from(root) }
  expect(isSame([{ root, index: 1 }], [kept])).toBe(true)
  expect(isSame([{ root: Uint8Array.of(1, 3), index: 1 }], [kept])).toBe(false)
  expect(isSame([kept], undefined)).toBe(false)
  expect(isSame([kept, kept], [kept])).toBe(false)
})
