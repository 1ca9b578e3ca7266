/** `site.yaml`: what IT writes, and errors that name line and path. */
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readSiteConfig } from '../../../site-agent/data/site-config.ts'
import { aSite } from '../a-site.ts'

const good = `files:
  patients:
    path: data/patients.csv
    format: csv
    columns: { age: DOUBLE }
view: SELECT age FROM patients
`

test('a minimal configuration gets its defaults, and paths from its own folder', () => {
  const path = aSite(good)
  expect(readSiteConfig(path)).toEqual({
    files: {
      patients: {
        path: join(dirname(path), 'data/patients.csv'),
        format: 'csv',
        header: true,
        delimiter: ',',
        nullValues: [],
        columns: { age: 'DOUBLE' },
      },
    },
    view: 'SELECT age FROM patients',
    dataMemoryMebibytes: 4096,
    training: { executionProvider: 'cpu', threads: 1 },
  })
})

test('an absolute path stays as it is', () => {
  expect(readSiteConfig(aSite(good.replace('data/', '/data/'))).files.patients?.path).toBe('/data/patients.csv')
})

describe('an error names line, column and path', () => {
  test.for([
    ['an unknown type', good.replace('DOUBLE', 'FLOAT'), /site\.yaml:5:21 files\.patients\.columns\.age: .*DOUBLE/],
    ['an unknown key', good.replace('view:', 'wiev:'), /site\.yaml:6:1 wiev: unknown key; allowed here: files, view/],
    ['a missing key', good.replace(/^view.*\n/m, ''), /site\.yaml:1:1 view: missing/],
    ['an unknown format', good.replace('csv\n    col', 'xlsx\n    col'), /site\.yaml:4:13 files\.patients\.format: /],
    ['a glob', good.replace('patients.csv', '*.csv'), /site\.yaml:3:11 files\.patients\.path: one plain path/],
    ['the name row_number', good.replace('{ age', '{ row_number'), /site\.yaml:5:\d+ .*row_number is added/],
    ['columns that differ in case', good.replace('{ age', '{ AGE: DOUBLE, age'), /site\.yaml:5:\d+ .*only in the case/],
    ['no column', good.replace('{ age: DOUBLE }', '{}'), /site\.yaml:5:14 .*1 to 5000 entries/],
    [
      'a taken table name',
      good.replace('patients:', 'consilium_view:'),
      /site\.yaml:3:5 files\.consilium_view: .*are taken/,
    ],
    ['broken YAML', good.replace('{ age', '{ age: [1'), /site\.yaml:\d+:\d+ /],
    ['a key given twice', `${good}view: SELECT 1\n`, /site\.yaml:7:1 .*twice/],
    ['a thread count of nought', `${good}training:\n  threads: 0\n`, /site\.yaml:8:12 training\.threads: /],
  ] satisfies readonly [string, string, RegExp][])('%s', ([, yaml, message]) => {
    expect(() => readSiteConfig(aSite(yaml))).toThrow(
      expect.objectContaining({ code: 'invalid-site-config', message: expect.stringMatching(message) }),
    )
  })
})

test('an alias bomb is refused', () => {
  const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)]
  expect(() => readSiteConfig(aSite(bomb.join('\n')))).toThrow(/repeats its aliases too often/)
})

test('a configuration over the size limit is not read', () => {
  expect(() => readSiteConfig(aSite(`${good}${'# '.repeat(1024 * 1024)}`))).toThrow(/1048576 are allowed/)
})

test('a configuration that is not there says where it belongs', () => {
  expect(() => readSiteConfig('/nowhere/site.yaml')).toThrow(/cannot read \/nowhere\/site\.yaml/)
})
