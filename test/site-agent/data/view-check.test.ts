/** The site's SQL: what reads the mapped files passes, anything else is refused by parsing, and by the lock besides. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../../site-agent/data/database.ts'
import { checkView } from '../../../site-agent/data/view-check.ts'

let database: Database
const folder = mkdtempSync(join(tmpdir(), 'consilium-outside-'))
const outside = join(folder, 'outside.csv')

beforeAll(async () => {
  writeFileSync(outside, 'secret\n1\n')
  database = await openDatabase(256)
  await database.run('CREATE TABLE patients (row_number BIGINT, age DOUBLE, ward VARCHAR)')
  await database.lock()
})
afterAll(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

describe('a view may', () => {
  test.for([
    'SELECT * FROM patients',
    'FROM patients;  -- a remark',
    "SELECT age, ward = 'a' AS a, coalesce(age, 0), TRY_CAST(ward AS INT), CASE WHEN age > 1 THEN 2 END FROM patients",
    "SELECT p.age FROM patients p JOIN patients q USING (row_number) WHERE q.ward LIKE 'x%' ORDER BY 1 LIMIT 5",
    'WITH old AS (SELECT * FROM patients WHERE age > 60) SELECT * FROM old UNION ALL SELECT * FROM patients',
    "SELECT ward, avg(age) FILTER (WHERE age > 1), quantile_cont(age, 0.5), string_agg(ward, ',') FROM patients GROUP BY ALL",
    "SELECT date_diff('year', DATE '1950-01-01', DATE '2020-01-01'), list_transform([age], lambda x: x + 1) FROM patients",
    'SELECT row_number() OVER (ORDER BY age), unnest([1, 2]), (SELECT max(age) FROM patients) FROM patients',
    'SELECT i FROM range(3) t(i)',
  ])('%s', async (view) => {
    await expect(checkView(database, view, ['patients'])).resolves.toBeUndefined()
  })
})

describe('a view may not', () => {
  test.for([
    ['write a file', `COPY patients TO '${folder}/copy.csv'`, /only a SELECT/],
    ['attach a database', `ATTACH '${folder}/other.db'`, /only a SELECT/],
    ['change a table', 'DELETE FROM patients', /only a SELECT/],
    ['change a setting', "SET memory_limit = '99GB'", /only a SELECT/],
    ['run a pragma', 'PRAGMA database_list', /only a SELECT/],
    ['install an extension', 'INSTALL httpfs', /only a SELECT/],
    ['be two statements', 'SELECT 1; SELECT 2', /exactly one SELECT/],
    ['hide a second statement behind the first', 'SELECT 1; DROP TABLE patients', /only a SELECT/],
    ['be empty', '-- nothing', /exactly one SELECT/],
    ['be no SQL', 'SELECT\n  age FRM\n  patients p q', /syntax error on line 3/],
    ['read a file by its name', `SELECT * FROM '${outside}'`, /which is not a mapped file; mapped are patients/],
    ['read a file by a function', `SELECT * FROM read_csv('${outside}')`, /cannot read from read_csv\(\)/],
    ['read Parquet', "SELECT * FROM read_parquet('x')", /cannot read from read_parquet\(\)/],
    ['list a folder', "SELECT * FROM glob('/*')", /cannot read from glob\(\)/],
    ['read a file in a subquery', `SELECT (SELECT content FROM read_text('${outside}'))`, /read_text\(\)/],
    ['read a file in an argument', "SELECT * FROM range((SELECT count(*) FROM glob('/*')))", /glob\(\)/],
    ['run a text as SQL', "SELECT * FROM query('SELECT 1')", /query\(\)/],
    ['read the catalogue', 'SELECT * FROM information_schema.tables', /without a schema/],
    ['read the settings', 'SELECT * FROM duckdb_settings()', /duckdb_settings\(\)/],
    ['describe a table', 'SUMMARIZE patients', /SUMMARIZE/],
    ['give a file the name of a table', `WITH "${outside}" AS (SELECT 1) SELECT 1`, /letters, digits and underscores/],
    ['depend on the clock', 'SELECT now()', /now\(\) is not allowed/],
    ['depend on the date', 'SELECT current_date', /current_date differs/],
    ['depend on chance', 'SELECT age + random() FROM patients', /random\(\) is not allowed/],
    ['take a sample', 'SELECT * FROM patients USING SAMPLE 3', /sample/],
    ['take a sample of a table', 'SELECT * FROM patients TABLESAMPLE 10%', /sample/],
    ['ask for the environment', "SELECT getenv('HOME')", /getenv\(\) is not allowed/],
    ['ask for a setting', "SELECT current_setting('threads')", /current_setting\(\) is not allowed/],
    ['take a parameter', 'SELECT $1', /parameters/],
  ] satisfies readonly [string, string, RegExp][])('%s', async ([, view, message]) => {
    await expect(checkView(database, view, ['patients'])).rejects.toMatchObject({
      code: 'data-query-refused',
      message: expect.stringMatching(message),
    })
  })
})

describe('the locked database refuses by itself', () => {
  test.for([
    `SELECT * FROM read_csv('${outside}')`,
    `SELECT * FROM '${outside}'`,
    `SELECT * FROM read_text('${outside}')`,
    `SELECT * FROM glob('${folder}/*')`,
    `COPY patients TO '${folder}/copy.csv'`,
    `EXPORT DATABASE '${folder}/export'`,
    `ATTACH '${folder}/other.db'`,
    'INSTALL httpfs',
    'LOAD httpfs',
    'SET enable_external_access = true',
    "SET memory_limit = '99GB'",
    `SET temp_directory = '${folder}'`,
  ])('%s', async (sql) => {
    await expect(database.run(sql)).rejects.toThrow(/^the database reports: [A-Z][A-Za-z]+( [A-Za-z]+)* Error$/)
    expect(readdirSync(folder)).toEqual(['outside.csv'])
  })
})
