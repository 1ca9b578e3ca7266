/** A site's rows for a study: what comes out, and how bad data are named without showing them. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../../site-agent/data/database.ts'
import { readSiteConfig } from '../../../site-agent/data/site-config.ts'
import { loadStudyData, type StudyData } from '../../../site-agent/data/study-data.ts'
import { studyKeys } from '../../../site-agent/data/study-keys.ts'
import {
  aCsvSite,
  aHeartSite,
  aSite,
  aSmallStudy,
  heartFolder,
  heartSites,
  heartStudy,
  keysOfTests,
} from '../a-site.ts'

const columns = { x: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' }

function load(csv: string, changes: Partial<StudyInput> = {}, view?: string): Promise<StudyData> {
  return loadStudyData(readSiteConfig(aCsvSite(csv, columns, view)), aSmallStudy(changes), keysOfTests.split)
}

const good = 'x,y,side\n1.5,0,train\n2.5,1,train\n3.5,1,test\n4.5,0,train\n'

describe('rows', () => {
  test('come out as typed columns in a canonical order, with the rows of each side', async () => {
    const data = await load('x,y,side\n4.5,0,train\n3.5,1,test\n1.5,0,train\n2.5,1,train\n')
    expect(data).toEqual({
      columns: [{ name: 'x', values: Float32Array.of(1.5, 2.5, 3.5, 4.5) }],
      labels: Float32Array.of(0, 1, 1, 0),
      trainRows: Int32Array.of(0, 1, 3),
      testRows: Int32Array.of(2),
      droppedRows: 0,
      remarks: [],
    })
  })

  test('do not depend on the order in which the view yields them', async () => {
    const forward = await load(good, {}, 'SELECT * FROM patients ORDER BY x')
    const backward = await load(good, {}, 'SELECT side, y, x FROM patients ORDER BY x DESC')
    expect(backward).toEqual(forward)
  })

  test('without the label, a required feature or a side are left out and counted', async () => {
    const data = await load('x,y,side\n1,0,train\n2,,train\n?,1,train\n3,1,\n4,1,elsewhere\n5,1,train\n6,0,test\n')
    expect(data.droppedRows).toBe(4)
    expect(data.columns[0]?.values).toEqual(Float32Array.of(1, 5, 6))
    expect(data.remarks).toEqual(['of 7 rows of the view left out: 1 without x, 1 without y, 2 not placed by side'])
  })

  test.for([{ rule: 'mean' as const }, { rule: { value: -1 } }])(
    'that miss a feature stay where the study says $rule, and miss it still: its graph fills in',
    async ({ rule }) => {
      const data = await load('x,y,side\n?,0,train\n5,1,train\n', {
        features: [{ name: 'x', type: 'number', missing: rule }],
      })
      expect(new Set<unknown>(data.columns[0]?.values)).toEqual(new Set<unknown>([5, Number.NaN]))
      expect(data.droppedRows).toBe(0)
    },
  )

  test('NaN in a file counts as missing, in the view as well', async () => {
    const data = await load('x,y,side\nnan,0,train\n2,1,train\n', {}, 'SELECT x, x > 1 AS y, side FROM patients')
    expect(data.columns[0]?.values).toEqual(Float32Array.of(2))
  })

  test('hold categories of texts as texts, and category labels as class indices', async () => {
    const data = await load(
      'x,y,side\n1,7,train\n2,5,train\n3,5,train\n',
      {
        features: [
          { name: 'kind', type: 'category', levels: ['low', 'high'], missing: { level: 'low' } },
          { name: 'raised', type: 'boolean' },
        ],
        label: { name: 'y', type: 'category', levels: [5, 6, 7] },
        loss: 'cross-entropy',
      },
      "SELECT CASE WHEN x > 2 THEN 'high' WHEN x > 1 THEN 'low' END AS kind, x > 1 AS raised, y, side FROM patients",
    )
    expect(data.columns).toEqual([
      { name: 'kind', values: ['high', 'low', ''] },
      { name: 'raised', values: Float32Array.of(1, 1, 0) },
    ])
    expect(data.labels).toEqual(BigInt64Array.of(0n, 0n, 2n))
  })
})

describe('a Parquet file', () => {
  const declared = { x: 'DOUBLE', y: 'BIGINT', side: 'VARCHAR' }
  const parquetSite = async (select: string, columns: Record<string, string> = declared) => {
    const config = { files: { patients: { path: 'p.parquet', format: 'parquet', columns } }, view: 'FROM patients' }
    const path = aSite(JSON.stringify(config))
    const database = await openDatabase(256)
    await database.run(`COPY (${select}) TO '${join(dirname(path), 'p.parquet')}' (FORMAT parquet)`)
    database.close()
    return loadStudyData(readSiteConfig(path), aSmallStudy(), keysOfTests.split)
  }

  test('of other types than declared is cast to them, where nothing is lost', async () => {
    const data = await parquetSite(
      "SELECT i::DECIMAL(9, 2) / 2 AS x, (i % 2)::DOUBLE AS y, 'train' AS side, 'unused' AS z FROM range(3) t(i)",
    )
    expect(data.columns[0]?.values).toEqual(Float32Array.of(0, 0.5, 1))
    expect(data.labels).toEqual(Float32Array.of(0, 1, 0))
  })

  test('with a value that is lost by the cast is refused by column and row', async () => {
    await expect(parquetSite("SELECT i AS x, i / 2 AS y, 'train' AS side FROM range(3) t(i)")).rejects.toMatchObject({
      code: 'data-wrong-type',
      message: expect.stringMatching(/patients: column y, data row 2: not a BIGINT/),
    })
  })

  test('without a declared column says which it has', async () => {
    await expect(parquetSite("SELECT 1 AS x, 'train' AS side")).rejects.toMatchObject({
      code: 'data-missing-column',
      message: 'patients: its file has no column y; it has x, side',
    })
  })
})

describe('the hash split', () => {
  const split = { by: 'hash', key: 'patient', testFraction: 0.3 } as const
  const patients = Array.from({ length: 2000 }, (_, i) => `${i},${i % 2},p${i % 500}`)
  const splitOf = async (rows: readonly string[], changes: Partial<StudyInput> = {}, secret = 1) => {
    const study = aSmallStudy({ split, ...changes })
    const site = aCsvSite(`x,y,side\n${rows.join('\n')}\n`, columns, 'SELECT x, y, side AS patient FROM patients')
    const keys = studyKeys(new Uint8Array(32).fill(secret), 'ab'.repeat(32), study)
    const data = await loadStudyData(readSiteConfig(site), study, keys.split)
    const x = data.columns[0]!.values as Float32Array
    return new Set(Array.from(data.testRows, (row) => x[row]!))
  }

  test('puts a patient on one side, about the wanted fraction on the test side', async () => {
    const test = await splitOf(patients)
    for (const row of test) expect(test.has((row + 500) % 2000)).toBe(true)
    expect(test.size / 2000).toBeGreaterThan(0.22)
    expect(test.size / 2000).toBeLessThan(0.38)
  })

  test('keeps each patient on its side whatever other rows there are', async () => {
    const [all, some] = [await splitOf(patients), await splitOf(patients.slice(0, 100))]
    expect(some).toEqual(new Set([...all].filter((row) => row < 100)))
  })

  test('hangs on the site alone: whoever writes a study cannot look for a seed that puts one patient aside', async () => {
    const one = await splitOf(patients)
    for (const changes of [{ seed: 1 }, { name: 'other' }, { rounds: 7 }])
      expect(await splitOf(patients, changes)).toEqual(one)
    expect(await splitOf(patients, {}, 2)).not.toEqual(one)
  })

  test('of another fraction is another split: one is not within the other', async () => {
    const [less, more] = [await splitOf(patients), await splitOf(patients, { split: { ...split, testFraction: 0.31 } })]
    const inBoth = [...less].filter((row) => more.has(row)).length
    expect(inBoth / less.size).toBeLessThan(0.5)
  })

  test('leaves rows without a key out', async () => {
    const csv = 'x,y,side\n1,0,a\n2,1,b\n3,1,?\n'
    const data = await load(csv, { split: { ...split, testFraction: 0 } }, 'SELECT x, y, side AS patient FROM patients')
    expect([data.trainRows.length, data.droppedRows]).toEqual([2, 1])
    expect(data.remarks).toContain('of 3 rows of the view left out: 1 not placed by patient')
  })
})

describe('remarks, not errors', () => {
  test('all labels equal at one site', async () => {
    const data = await load('x,y,side\n1,1,train\n2,1,train\n')
    expect(data.remarks).toContain('the label y is the same in all 2 training rows')
  })

  test('a constant feature', async () => {
    const data = await load('x,y,side\n3,0,train\n3,1,train\n4,1,test\n')
    expect(data.remarks).toEqual(['the feature x is the same in all 2 training rows'])
  })

  test('no row to test on', async () => {
    const data = await load('x,y,side\n1,0,train\n2,1,train\n')
    expect(data.remarks).toEqual(['no row is left to test on: this site reports no results'])
  })
})

describe('bad data', () => {
  const cases = [
    ['an unknown column', 'x,z,side\n1,0,train\n', {}, 'data-missing-column', /no column y; its first line names 3/],
    ['an empty file', '', {}, 'data-empty', /patients: its file is empty/],
    ['a header alone', 'x,y,side\n', {}, 'data-empty', /patients: its file holds no row/],
    ['a text among numbers', 'x,y,side\n1,0,train\nmarked,1,train\n', {}, 'data-wrong-type', /column x, data row 2/],
    ['an infinite number', 'x,y,side\n1,0,train\n-inf,1,train\n', {}, 'data-wrong-type', /column x, data row 2/],
    ['a decimal comma', 'x,y,side\n"1,5",0,train\n', {}, 'data-wrong-type', /not a DOUBLE .*decimal point, no comma/],
    ['a fraction among whole numbers', 'x,y,side\n1,0.5,train\n', {}, 'data-wrong-type', /column y, data row 1/],
    ['a label that is not binary', 'x,y,side\n1,0,train\n1,2,train\n', {}, 'data-wrong-type', /label y, data row 2/],
    [
      'no usable row',
      'x,y,side\n?,0,train\n1,?,train\n2,1,test\n',
      {},
      'data-empty',
      /3 rows.*1 without x, 1 without y/,
    ],
    ['a line with a column too many', 'x,y,side\n1,0,train\n1,0,train,9\n', {}, 'data-unreadable', /line 3/],
    ['a quote that stays open', 'x,y,side\n1,0,"train\n1,0,train\n', {}, 'data-unreadable', /line 2/],
    [
      'a value outside the range',
      'x,y,side\n1,0,train\n250,1,train\n',
      { features: [{ name: 'x', type: 'number', range: [0, 120] }] },
      'data-out-of-range',
      /column x, data row 2: outside the study's range 0 to 120/,
    ],
    [
      'a number beyond float32',
      'x,y,side\n1e300,0,train\n',
      {},
      'data-out-of-range',
      /column x, data row 1: beyond what a float32 holds/,
    ],
    [
      'an unknown level',
      'x,y,side\n1,0,train\n4,1,train\n',
      { features: [{ name: 'x', type: 'category', levels: [1, 2, 3] }] },
      'data-out-of-range',
      /column x, data row 2: not one of the study's 3 levels/,
    ],
    [
      'a feature of another type than the study wants',
      good,
      { features: [{ name: 'side', type: 'number' }], split: { by: 'column', column: 'x' } },
      'data-wrong-type',
      /column side: the view yields VARCHAR, the study wants a number/,
    ],
    [
      'a column the view does not yield',
      good,
      { features: [{ name: 'weight', type: 'number' }] },
      'data-missing-column',
      /needs the column weight; the view yields row_number, x, y, side/,
    ],
  ] satisfies readonly [string, string, Partial<StudyInput>, string, RegExp][]

  test.for(cases)('%s is named, by column and row', async ([, csv, changes, code, message]) => {
    await expect(load(csv, changes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('a row is named by its place in the view where the view does not yield row_number', async () => {
    const view = 'SELECT x, y, side FROM patients ORDER BY x'
    await expect(load('x,y,side\n5,7,train\n1,0,train\n', {}, view)).rejects.toThrow('label y, row 2 of the view')
  })

  test('numbers with a decimal comma are read as text and cast in the view', async () => {
    const view = "SELECT TRY_CAST(replace(x, ',', '.') AS DOUBLE) AS x, y, side FROM patients"
    const site = aCsvSite('x,y,side\n"1,5",0,train\n', { ...columns, x: 'VARCHAR' }, view)
    const data = await loadStudyData(readSiteConfig(site), aSmallStudy(), keysOfTests.split)
    expect(data.columns[0]?.values).toEqual(Float32Array.of(1.5))
  })

  test('a file in another encoding than UTF-8 is said to be so, and its text is not shown', async () => {
    const site = aSite(readFileSync(aCsvSite('', columns), 'utf8'), {
      'patients.csv': Buffer.from('x,y,side\n1,0,M\xfcller\n', 'latin1'),
    })
    await expect(loadStudyData(readSiteConfig(site), aSmallStudy(), keysOfTests.split)).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringMatching(/UTF-8(?!.*ller)/),
    })
  })

  test('a file that is not there is named by table and setting', async () => {
    const config = { files: { patients: { path: 'nowhere.csv', format: 'csv', columns } }, view: 'SELECT 1' }
    await expect(
      loadStudyData(readSiteConfig(aSite(JSON.stringify(config))), aSmallStudy(), keysOfTests.split),
    ).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringContaining('check files.patients.path'),
    })
  })

  test('a Parquet file that is none is said to be so', async () => {
    const config = { files: { patients: { path: 'p.parquet', format: 'parquet', columns } }, view: 'SELECT 1' }
    const site = aSite(JSON.stringify(config), { 'p.parquet': 'PAR1 marked PAR1' })
    await expect(loadStudyData(readSiteConfig(site), aSmallStudy(), keysOfTests.split)).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringContaining('does not read as Parquet'),
    })
  })

  test('more rows than the memory allows are a limit, not a crash', async () => {
    const view = "SELECT i AS x, i % 2 AS y, 'train' AS side FROM range(100000000) r(i) ORDER BY hash(i)"
    const site = JSON.parse(JSON.stringify(readSiteConfig(aCsvSite(good, columns, view))))
    await expect(
      loadStudyData({ ...site, dataMemoryMebibytes: 64 }, aSmallStudy(), keysOfTests.split),
    ).rejects.toMatchObject({
      code: 'limit-exceeded',
    })
  })
})

describe('SQL beyond the mapped files is refused before any file is read', () => {
  test.for([
    ["SELECT * FROM read_csv('/etc/passwd')"],
    ["COPY patients TO '/tmp/consilium-copy.csv'"],
    ['SELECT x, y, side FROM patients; DROP TABLE patients'],
    ["ATTACH '/tmp/consilium-attached.db'"],
  ])('%s', async ([view]) => {
    await expect(load('', {}, view)).rejects.toMatchObject({ code: 'data-query-refused' })
  })
})

test('no error tells a value of the data, whatever is wrong with them', async () => {
  const marker = 'PATIENT7f3a'
  const cell = fc.constantFrom('1', '0', '?', '', 'train', 'test', `${marker}`, `"${marker}`, `${marker}"`, '918273645')
  const csv = fc
    .array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 })
    .map((rows) => rows.map((row) => row.join(',')).join('\n'))
  const views = fc.constantFrom(
    'SELECT * FROM patients',
    'SELECT CAST(side AS DOUBLE) AS x, y, side FROM patients',
    'SELECT x, CAST(side AS DATE) AS y, side FROM patients',
    'SELECT x + CAST(side AS INTEGER) AS x, y, side FROM patients',
    'SELECT x, y, side, nothing FROM patients',
  )
  let refused = 0
  await fc.assert(
    fc.asyncProperty(csv, fc.boolean(), views, async (text, header, view) => {
      try {
        await load(header ? `x,y,side\n${text}\n` : `${text}\n`, {}, view)
      } catch (error) {
        refused += 1
        const shown = `${(error as Error).message} ${(error as Error).stack} ${String((error as Error).cause)}`
        expect(shown).not.toContain(marker)
        expect(shown).not.toContain('918273645')
      }
    }),
    { numRuns: 60 },
  )
  expect(refused).toBeGreaterThan(20)
})

describe.skipIf(!heartFolder)('the four hospitals', () => {
  const expected = { cleveland: [199, 104], hungarian: [172, 89], switzerland: [30, 16], va: [85, 45] } as const

  test.for(heartSites)('%s: the benchmark keeps these rows on these sides', async (site) => {
    const data = await loadStudyData(readSiteConfig(aHeartSite(site)), heartStudy(), keysOfTests.split)
    expect([data.trainRows.length, data.testRows.length]).toEqual(expected[site])
    expect(data.columns.map(({ name }) => name)).toHaveLength(10)
    const alike = ['the feature chol is the same', 'the label disease is the same'].map((text) =>
      data.remarks.some((remark) => remark.startsWith(text)),
    )
    expect(alike).toEqual(site === 'switzerland' ? [true, true] : [false, false])
  })
})
