/** What both command lines print: units, times, fields; nothing that a message from elsewhere could smuggle in. */
import { fields, formatBytes, formatTime, printable, printableLines, shortHash } from '@consilium/protos/plain-text.ts'
import { expect, test } from 'vitest'

test.for([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [12_345, '12.3 kB'],
  [99_949, '99.9 kB'],
  [99_960, '100 kB'],
  [999_600, '1.0 MB'],
  [1_500_000_000, '1.5 GB'],
  [64e12, '64.0 TB'],
  [5e15, '5000 TB'],
] as const)('%i bytes read %s', ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text)
})

test('fields without a value are left out', () => {
  expect(
    fields([
      ['run', 'heart-1'],
      ['reason', ''],
      ['log head', undefined],
      ['state', 'running'],
    ]),
  ).toBe('run    heart-1\nstate  running\n')
})

test('times read in UTC to the second', () => {
  expect(formatTime('2026-11-05T12:00:00.123Z')).toBe('2026-11-05 12:00:00 UTC')
  expect(formatTime('')).toBe('-')
})

test('a hash is named by its first digits, and none by a dash', () => {
  expect(shortHash('0123456789abcdef')).toBe('0123456789ab')
  expect([shortHash(''), shortHash(undefined)]).toEqual(['-', '-'])
})

test('text from elsewhere loses its control characters, and its lines only where it is to be one', () => {
  const hostile = 'fine\u001b[2J\u001b]0;owned\u0007\r\nrun finished\u009b31m'
  for (const text of [printable(hostile), fields([['reason', hostile]]).trimEnd()]) expect(text).not.toMatch(/\p{Cc}/u)
  expect(printableLines(hostile)).toBe('fine [2J ]0;owned  \nrun finished 31m')
})
