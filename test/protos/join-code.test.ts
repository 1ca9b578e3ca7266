/** Join codes: copied whole they are read, damaged they say so. */
import { formatJoinCode, type JoinCode, parseJoinCode } from '@consilium/protos/join-code.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const code: JoinCode = {
  address: 'coordinator.example.org:7443',
  site: 'basel',
  authority: 'ab'.repeat(32),
  secret: Buffer.alloc(32, 5).toString('base64'),
  expiresAt: '2026-11-06T12:00:00.000Z',
}
const text = formatJoinCode(code)
const invalid = expect.objectContaining({ code: 'join-code-invalid' })

describe('a join code', () => {
  test('is read as it was written, also with white space around it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('127.0.0.1:1', 'localhost:65535', '[::1]:7443', 'a-b.example.org:443'),
        fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom('', ' ', '\n', '\t \r\n'),
        (address, site, secret, space) => {
          const any = { ...code, address, site, secret: Buffer.from(secret).toString('base64') }
          expect(parseJoinCode(space + formatJoinCode(any) + space)).toEqual(any)
        },
      ),
    )
  })

  test('is one word that survives a shell and a mail', () => {
    expect(text).toMatch(/^consilium-join-1\.[A-Za-z0-9_-]+$/)
  })

  test('cut off at any length is refused and says how it starts', () => {
    for (let length = 0; length < text.length; length++)
      expect(() => parseJoinCode(text.slice(0, length))).toThrow(invalid)
    expect(() => parseJoinCode(text.slice(0, 60))).toThrow(/copy the whole code, it starts with consilium-join-1\./)
  })

  const with_ = (change: object) =>
    `consilium-join-1.${Buffer.from(JSON.stringify({ ...code, ...change })).toString('base64url')}`
  test.for([
    ['nothing', ''],
    ['another version', text.replace('-1.', '-2.')],
    ['a page of text', `${text}${'A'.repeat(2000)}`],
    ['no port', with_({ address: 'coordinator.example.org' })],
    ['a path in the address', with_({ address: 'example.org:1/x' })],
    ['a site name in capitals', with_({ site: 'Basel' })],
    ['a short secret', with_({ secret: Buffer.alloc(16).toString('base64') })],
    ['a short authority', with_({ authority: 'ab' })],
    ['an expiry that is none', with_({ expiresAt: 'tomorrow' })],
    ['an added field', with_({ proxy: 'x:1' })],
  ] as const)('is refused with %s', ([, damaged]) => {
    expect(() => parseJoinCode(damaged)).toThrow(invalid)
  })
})
