/** Audit bundles from the command line: written from a coordinator over its admin port, verified offline. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type AdminFixture, consilium, startAdminFixture } from '../../support/admin-fixture.ts'
import { coordinator, cutAt, roster, runId, writeRun } from '../audit/a-bundle.ts'

const run = writeRun({ isShort: true })
let fixture: AdminFixture
let bundle: string
let rosterFile: string
beforeAll(async () => {
  fixture = await startAdminFixture()
  fixture.service.identity = coordinator
  fixture.service.log = [...run.entries.federation, ...run.entries.run]
  for (const [sha256, bytes] of run.objects) fixture.service.objects.set(sha256, bytes)
  bundle = join(fixture.home, 'bundle.jsonl')
  rosterFile = join(fixture.home, 'roster.yaml')
  await writeFile(rosterFile, stringify(roster))
  const { code, stdout } = await fixture.consilium('log', 'export', '--run', runId, '--out', bundle)
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(`the audit bundle of run ${runId}`) })
})
afterAll(() => fixture.stop())

describe('consilium log verify --bundle', () => {
  const verify = (...more: readonly string[]) =>
    consilium('log', 'verify', '--bundle', bundle, '--roster', rosterFile, ...more)

  test('tells what each round came to, and needs no coordinator', async () => {
    const { code, stdout } = await verify('--home', join(fixture.home, 'nowhere'))
    expect(code).toBe(0)
    expect(stdout).toContain(`${bundle}: verified, ${fixture.service.log.length} entries`)
    expect(stdout).toContain(`${runId} of hearts, finished`)
    expect(stdout).toContain(roster.coordinator)
    expect(stdout).toMatch(/round +purpose +mode +cohort +U1 +U2 +U3 +confirmed +released +result/)
    expect(stdout).toMatch(/0 +statistics +secure +4 +4 +4 +3 +3 of 3 +3 of 3 +OK/)
    expect(stdout).toMatch(/1 +train +secure +4 +4 +4 +3 +3 of 3 +3 of 3 +OK/)
  })

  test('tells the same as one JSON document', async () => {
    const { code, stdout } = await verify('--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, run: runId, state: 'finished', rounds: [{}, {}], errors: [] })
  })

  test('takes a roster in JSON too', async () => {
    const json = join(fixture.home, 'roster.json')
    await writeFile(json, JSON.stringify(roster))
    expect((await consilium('log', 'verify', '--bundle', bundle, '--roster', json)).code).toBe(0)
  })

  test('names the entry that was changed, and exits 1', async () => {
    const lines = (await readFile(bundle, 'utf8')).split('\n')
    const at = lines.findIndex((line) => line.includes('"survivors-confirmed"'))
    const bad = join(fixture.home, 'bad.jsonl')
    await writeFile(bad, lines.with(at, lines[at]!.replace('"site":"basel"', '"site":"zurich"')).join('\n'))
    const { code, stdout, stderr } = await consilium('log', 'verify', '--bundle', bad, '--roster', rosterFile)
    expect(code).toBe(1)
    const seq = JSON.parse(lines[at]!).entry.seq
    expect(stderr).toContain(`error[log-broken]: entry ${seq} of stream run/${runId}`)
    expect(stdout).toContain('broken')
    expect(stdout).toMatch(/0 +statistics +secure +4 +4 +4 +3 +0 of 3 +0 of 3 +open/)
  })

  test.for([
    ['a roster of another shape', 'sites: { basel: SHA256:short }', 'a fingerprint'],
    ['a roster that is no YAML', '{', 'roster.bad'],
  ] as const)('refuses %s', async ([, text, why]) => {
    const bad = join(fixture.home, 'roster.bad')
    await writeFile(bad, text)
    const { code, stderr } = await consilium('log', 'verify', '--bundle', bundle, '--roster', bad)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(why) })
  })

  test.for([
    ['without a roster', ['--bundle', 'b.jsonl']],
    ['with a log beside it', ['log.ndjson', '--bundle', 'b.jsonl', '--roster', 'r.yaml']],
    ['with a run beside it', ['--run', runId, '--bundle', 'b.jsonl', '--roster', 'r.yaml']],
  ] as const)('is not understood %s', async ([, words]) => {
    const { code, stderr } = await consilium('log', 'verify', ...words)
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--bundle and --roster') })
  })

  test('says which file cannot be read', async () => {
    const missing = join(fixture.home, 'none')
    const noRoster = await consilium('log', 'verify', '--bundle', bundle, '--roster', missing)
    expect([noRoster.code, noRoster.stderr]).toEqual([2, expect.stringContaining('cannot read the roster')])
    const noBundle = await consilium('log', 'verify', '--bundle', missing, '--roster', rosterFile)
    expect([noBundle.code, noBundle.stderr]).toEqual([2, expect.stringContaining('cannot read the bundle')])
  })
})

describe('consilium log export --run --out', () => {
  test('tells what it wrote as JSON, and never writes over a file', async () => {
    const out = join(fixture.home, 'again.jsonl')
    const written = await fixture.consilium('log', 'export', '--run', runId, '--out', out, '--json')
    const { size } = { size: (await readFile(out)).length }
    expect(JSON.parse(written.stdout)).toEqual({ path: out, run: runId, lines: expect.any(Number), bytes: size })
    const again = await fixture.consilium('log', 'export', '--run', runId, '--out', out)
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('is there already')])
  })

  test('leaves nothing behind where an object is missing', async () => {
    const [sha256, bytes] = [...run.objects].at(-1)!
    fixture.service.objects.delete(sha256)
    const out = join(fixture.home, 'broken.jsonl')
    const { code, stderr } = await fixture.consilium('log', 'export', '--run', runId, '--out', out)
    fixture.service.objects.set(sha256, bytes)
    expect([code, stderr]).toEqual([3, expect.stringContaining('there is no object')])
    expect((await readdir(fixture.home)).filter((name) => name.startsWith('broken'))).toEqual([])
  })

  test('needs a run, since a bundle is of one', async () => {
    const { code, stderr } = await fixture.consilium('log', 'export', '--out', 'x.jsonl')
    expect([code, stderr]).toEqual([2, expect.stringContaining('--out goes with --run')])
  })

  test('of a run that goes on holds as far as it is', async () => {
    const open = cutAt(run, 20)
    fixture.service.log = [...open.entries.federation, ...open.entries.run]
    const out = join(fixture.home, 'open.jsonl')
    await fixture.consilium('log', 'export', '--run', runId, '--out', out)
    fixture.service.log = [...run.entries.federation, ...run.entries.run]
    const { code, stdout } = await consilium('log', 'verify', '--bundle', out, '--roster', rosterFile, '--json')
    expect({ code, report: JSON.parse(stdout) }).toMatchObject({ code: 0, report: { ok: true, state: 'running' } })
  })
})
