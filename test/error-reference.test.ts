/** The error reference says what the comments of the codes say, and every code says what to do. */
import { readFileSync } from 'node:fs'
import { isErrorCode } from '@consilium/protos/status.ts'
import { expect, test } from 'vitest'
import { documentedCodes, errorReference, referencePath } from '../scripts/error-reference.ts'

test('protos/errors.md is what npm run errors writes', () => {
  expect(readFileSync(referencePath, 'utf8')).toBe(errorReference())
})

test('every code is documented once, and none that there is not', () => {
  const codes = documentedCodes().map(({ code }) => code)
  expect(new Set(codes).size).toBe(codes.length)
  expect(codes.filter((code) => !isErrorCode(code))).toEqual([])
})

test('a code without what it means, when it is normal and what to do is found out', () => {
  const source =
    "export type ErrorCode =\n  // Group.\n  /** It means something. Do: nothing. */\n  | 'not-found'\nexport class"
  expect(() => documentedCodes(source)).toThrow('not-found: its comment does not say')
})
