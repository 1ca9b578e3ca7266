/**
 * Files that are large and wrong: refused after work that grows with the file and no faster. Where each mistake was looked
 * up in all others, twenty thousand of them took half a minute, and more far longer.
 */
import { readYamlFile } from '@consilium/protos/yaml-file.ts'
import { expect, test } from 'vitest'
import { z } from 'zod'

const many = 20_000
const branch = (kind: string) => z.strictObject({ kind: z.literal(kind), size: z.number() })
const schema = z.strictObject({
  name: z.string(),
  inner: z.strictObject({ size: z.number().default(1) }).default({ size: 1 }),
  either: z.discriminatedUnion('kind', [branch('one'), branch('other')]).optional(),
  items: z.array(z.strictObject({ size: z.number() })).default([]),
  sites: z.record(z.string().regex(/^[a-z]+$/), z.number()).default({}),
})

function refusal(text: string): string {
  try {
    readYamlFile({ name: 'a.yaml', bytes: Buffer.from(text), bytesMax: 2 ** 21, schema, code: 'invalid-argument' })
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

const keys = (indent: string, key: (i: number) => string) =>
  Array.from({ length: many }, (_, i) => `${indent}${key(i)}: 1`).join('\n')

test.for([
  ['unknown keys', `name: a\n${keys('', (i) => `key${i}`)}`, `a.yaml:2:1 key0: unknown key`],
  ['unknown keys in a map', `name: a\ninner:\n${keys('  ', (i) => `key${i}`)}`, 'a.yaml:3:3 inner.key0: unknown key'],
  [
    'unknown keys in a choice',
    `name: a\neither:\n  kind: one\n${keys('  ', (i) => `key${i}`)}`,
    'a.yaml:3:3 either.size: missing',
  ],
  [
    'bad names',
    `name: a\nsites:\n${keys('  ', (i) => `key${i}`)}`,
    'a.yaml:3:3 sites.key0: not a name that may stand here',
  ],
  ['bad items', `name: a\nitems:\n${keys('  - ', () => 'sise')}`, 'items[0].sise: unknown key'],
  ['the same key', `name: a\n${keys('', () => 'key')}`, 'a.yaml:3:1 this key stands in its map twice'],
] as const)('twenty thousand %s are counted, and the first are named with their line', ([, text, first]) => {
  const message = refusal(text)
  expect(message).toContain(first)
  expect(message.split('\n').length).toBe(22)
  expect(message).toMatch(/and [1-5]\d{4} more$/)
})

test.for([
  ['lists', '['.repeat(60_000)],
  ['maps', '{'.repeat(60_000)],
  ['items', '- '.repeat(30_000)],
] as const)('%s in one another to any depth are refused by name', ([, text]) => {
  expect(refusal(`name: a\nitems:\n  ${text}`)).toContain('nested too deeply')
})

test('a mistake stands where its key or its value does, the nearest value where nothing stands', () => {
  expect(refusal('name: 1')).toContain('a.yaml:1:7 name: expected string')
  expect(refusal('items:\n  - size: 1\n  - size: x')).toContain('a.yaml:3:11 items[1].size')
  expect(refusal('{}')).toContain('a.yaml:1:1 name: missing')
  expect(refusal('name: a\ninner: {sise: 2}')).toContain('a.yaml:2:9 inner.sise: unknown key')
})
