/** What of an error at a site leaves it: one code for everything that hangs on its records, none for what is not on the list. */
import type { ErrorCode } from '@consilium/protos/errors.ts'
import { refusalCodeOf, refusalCodes, refusalText } from '@consilium/protos/refusal-codes.ts'
import { isErrorCode } from '@consilium/protos/status.ts'
import { expect, test } from 'vitest'

test.for<ErrorCode>([
  'data-missing-column',
  'data-wrong-type',
  'data-out-of-range',
  'data-empty',
  'data-query-refused',
  'data-unreadable',
  'invalid-site-config',
  'limit-exceeded',
])('%s leaves as the one code of data', (code) => {
  expect(refusalCodeOf(code)).toBe('data-not-ready')
})

test.for<ErrorCode>(['store-failed', 'internal', 'trainer-failed', 'update-invalid', 'link-down'])(
  '%s leaves as a fault of the site',
  (code) => {
    expect(refusalCodeOf(code)).toBe('site-fault')
  },
)

test('what a site found of what it was sent leaves as it is, every code is one of errors.ts, and each has its words', () => {
  for (const code of refusalCodes) {
    expect(refusalCodeOf(code)).toBe(code)
    expect(isErrorCode(code)).toBe(true)
    expect(refusalText(code)).toMatch(new RegExp(`^${code}: .*log and status`))
  }
})
