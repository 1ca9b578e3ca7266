/** `consilium log`: a good log verifies, and one flipped byte anywhere is found and its entry named. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linesOf } from '@consilium/coordinator/cli/log-source.ts'
import { verifyLog } from '@consilium/coordinator/cli/verify-log.ts'
import { openSqliteEventLog } from '@consilium/coordinator/store/sqlite-event-log.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { chain, type LogEntry, type NewEntry, noHead } from '@consilium/protos/log/entry.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminFixture, consilium, startAdminFixture } from '../../support/admin-fixture.ts'

const at = '2026-11-05T12:00:00.000Z'
const federationEntries: NewEntry[] = [
  { type: 'federation-founded', at, body: { name: 'Herzen für Europa', version: 1 } },
  { type: 'site-added', at, body: { site: 'basel', validMinutes: 60.5, note: 'line\nbreak and � "quotes"' } },
  { type: 'site-enrolled', at, body: { site: 'basel', attending: true, reason: null } },
]
const runEntries: NewEntry[] = [
  { type: 'run-started', at, body: { study: 'ab'.repeat(32), rounds: [1, 2, 3] } },
  { type: 'round-started', at, body: { cohort: ['basel', 'bern'], seed: 4294967295 } },
  { type: 'run-finished', at, body: { loss: 1e-7, auroc: 0.875 } },
]
const federation = chain('federation', 0, noHead, federationEntries)
const run = chain('run/heart-1', 0, noHead, runEntries)
/** As a coordinator writes them: a run's entries between the federation's. */
const entries = [federation[0], federation[1], run[0], run[1], federation[2], run[2]] as LogEntry[]
const exported = Buffer.from(entries.map((entry) => `${canonicalJson(entry).toString('utf8')}\n`).join(''))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-log-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A home folder whose event log holds these entries. */
async function homeWithLog(name: string): Promise<string> {
  const home = join(folder, name)
  await mkdir(home)
  const log = openSqliteEventLog(join(home, 'log.sqlite'))
  await log.append('federation', 0, federationEntries)
  await log.append('run/heart-1', 0, runEntries)
  await log.close()
  return home
}

describe('an exported log', () => {
  test('verifies, and the head of each stream is told', async () => {
    expect(await verifyLog(linesOf([exported]))).toEqual({
      ok: true,
      entries: 6,
      streams: [
        { stream: 'federation', entries: 3, head: federation.at(-1)?.hash },
        { stream: 'run/heart-1', entries: 3, head: run.at(-1)?.hash },
      ],
      errors: [],
    })
  })

  test('verifies however its bytes arrive, with or without the last line break', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(exported.length), { maxLength: 5 }), fc.boolean(), async (cuts, whole) => {
        const bytes = whole ? exported : exported.subarray(0, -1)
        const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
        const chunks = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
        expect(await verifyLog(linesOf(chunks))).toMatchObject({ ok: true, entries: 6 })
      }),
      { numRuns: 20 },
    )
  })

  /** Which line, from 0, the byte is part of; a line break ends its line. */
  const lineAt = (offset: number) => exported.subarray(0, offset).filter((byte) => byte === 0x0a).length

  async function expectFound(offset: number, mask: number): Promise<void> {
    const bytes = Buffer.from(exported)
    bytes[offset]! ^= mask
    const { ok, errors } = await verifyLog(linesOf([bytes]))
    const line = lineAt(offset)
    expect({ offset, mask, ok }).toEqual({ offset, mask, ok: false })
    expect(errors[0]).toMatch(new RegExp(`line ${line + 1}\\b|entry ${entries[line]!.seq}\\b`))
  }

  test('is broken by one flipped byte at any position, and names the entry it is in', async () => {
    for (let offset = 0; offset < exported.length; offset++) await expectFound(offset, 1 << (offset % 8))
  })

  test('is broken by any change of any byte', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(exported.length - 1), fc.integer({ min: 1, max: 255 }), expectFound), {
      numRuns: 300,
    })
  })

  const lines = exported.toString('utf8').trimEnd().split('\n')
  test.for([
    ['without its first line', lines.toSpliced(0, 1), 'entry 0 of stream federation is missing'],
    ['without a line in the middle', lines.toSpliced(3, 1), 'entry 1 of stream run/heart-1 is missing'],
    ['with two lines swapped', lines.toSpliced(2, 2, lines[3]!, lines[2]!), 'entry 0 of stream run/heart-1 is missing'],
    ['with a line twice', lines.toSpliced(1, 0, lines[1]!), 'entry 2 of stream federation is missing'],
    [
      'with a space added',
      lines.toSpliced(1, 1, lines[1]!.replace(',', ', ')),
      'entry 1 of stream federation was changed: it is not in canonical form',
    ],
    ['with an empty line', lines.toSpliced(1, 0, ''), 'line 2 was changed: it is no log entry'],
    ['of nothing', [], 'there is no entry'],
  ] as const)('%s is broken', async ([, changed, message]) => {
    const { ok, errors } = await verifyLog(linesOf([Buffer.from(changed.map((line) => `${line}\n`).join(''))]))
    expect(ok).toBe(false)
    expect(errors[0]).toContain(message)
  })

  test('that is no log at all ends the reading early', async () => {
    await expect(verifyLog(linesOf([Buffer.alloc(5 * 1024 * 1024, 'x')]))).rejects.toMatchObject({ code: 'log-broken' })
  })
})

describe('consilium log', () => {
  test('verify takes an exported file, needs no home, and exits 1 where it is broken', async () => {
    const file = join(folder, 'log.ndjson')
    await writeFile(file, exported)
    const good = await consilium('log', 'verify', file, '--home', join(folder, 'nowhere'))
    expect(good.code).toBe(0)
    expect(good.stdout).toContain(`${file}: verified, 6 entries in 2 streams`)
    await writeFile(file, exported.toString('utf8').replace('"auroc":0.875', '"auroc":0.975'))
    const bad = await consilium('log', 'verify', file, '--json')
    expect(bad.code).toBe(1)
    expect(JSON.parse(bad.stdout)).toMatchObject({
      ok: false,
      errors: ['entry 2 of stream run/heart-1 was changed: its hash does not match'],
      streams: [{ head: federation.at(-1)?.hash }, { error: expect.stringContaining('entry 2') }],
    })
    expect(JSON.parse(bad.stderr)).toMatchObject({ error: { code: 'log-broken' } })
  })

  test('verify without a file reads the log of the home folder, also while a coordinator has it open', async () => {
    const home = await homeWithLog('live')
    const log = openSqliteEventLog(join(home, 'log.sqlite'))
    await log.append('federation', 3, [{ type: 'site-revoked', at, body: { site: 'basel' } }])
    const { code, stdout } = await consilium('log', 'verify', '--home', home)
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('verified, 7 entries in 2 streams') })
    await log.append('federation', 4, [{ type: 'site-added', at, body: { site: 'bern' } }])
    await log.close()
  })

  test('verify of one run compares its head with the one given', async () => {
    const home = await homeWithLog('head')
    const verify = (...more: readonly string[]) => consilium('log', 'verify', '--home', home, ...more)
    expect((await verify('--run', 'heart-1', '--head', run[2]!.hash)).code).toBe(0)
    const cut = await verify('--run', 'heart-1', '--head', 'ab'.repeat(32))
    expect(cut.code).toBe(1)
    expect(cut.stderr).toContain('entries are missing at its end, or it is another log')
    expect((await verify('--run', 'heart-2')).stderr).toContain('there is no entry')
    expect((await verify('--head', 'ab'.repeat(32))).code).toBe(2)
  })

  test('verify names the entry in which a byte of the log file was flipped', async () => {
    const home = await homeWithLog('flipped')
    const path = join(home, 'log.sqlite')
    const good = await readFile(path)
    const marked: readonly (readonly [string, string])[] = [
      ['"cohort":["basel","bern"]', 'entry 1 of stream run/heart-1'],
      ['site-added', 'entry 1 of stream federation'],
      [run[2]!.previous + at, 'entry 2 of stream run/heart-1'],
    ]
    for (const [text, entry] of marked) {
      const start = good.indexOf(text)
      expect(start).toBeGreaterThan(0)
      for (let offset = start; offset < start + text.length; offset++) {
        const bytes = Buffer.from(good)
        bytes[offset]! ^= 1
        await writeFile(path, bytes)
        const { code, stderr } = await consilium('log', 'verify', '--home', home)
        expect({ offset, code }).toEqual({ offset, code: 1 })
        expect(stderr.split('\n')[0]).toContain(entry)
      }
    }
  })

  test.for([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 5000)],
    ['overwritten', (bytes: Buffer) => Buffer.alloc(bytes.length, 'x')],
    ['with its schema damaged', (bytes: Buffer) => Buffer.from(bytes).fill(0, 100, 300)],
  ] as const)('verify of a log file %s is a failure, not a crash', async ([name, damage]) => {
    const home = await homeWithLog(name.replaceAll(' ', '-'))
    const path = join(home, 'log.sqlite')
    await writeFile(path, damage(await readFile(path)))
    const { code, stderr } = await consilium('log', 'verify', '--home', home)
    expect(code).toBe(1)
    expect(stderr).toContain('error[log-broken]')
  })

  test('export writes what verify takes, and show prints a line for each entry', async () => {
    const home = await homeWithLog('export')
    const { stdout } = await consilium('log', 'export', '--home', home)
    const file = join(folder, 'exported.ndjson')
    await writeFile(file, stdout)
    expect((await consilium('log', 'verify', file)).code).toBe(0)
    expect((await consilium('log', 'export', '--home', home, '--run', 'heart-1')).stdout.split('\n')).toHaveLength(4)
    const shown = await consilium('log', 'show', '--home', home)
    expect(shown.stdout).toContain('2026-11-05 12:00:00 UTC  run/heart-1#2  run-finished  {"loss":1e-7,"auroc":0.875}')
    expect(JSON.parse((await consilium('log', 'show', '--home', home, '--json')).stdout)).toHaveLength(6)
  })

  test('reading changes nothing in the home folder', async () => {
    const home = await homeWithLog('unchanged')
    const before = await readFile(join(home, 'log.sqlite'))
    await consilium('log', 'verify', '--home', home)
    await consilium('log', 'show', '--home', home)
    expect((await readFile(join(home, 'log.sqlite'))).equals(before)).toBe(true)
  })

  test('of a file that is not there says so', async () => {
    const { code, stderr } = await consilium('log', 'verify', join(folder, 'none.ndjson'))
    expect(code).toBe(2)
    expect(stderr).toContain('cannot read the log')
  })
})

describe('consilium log over a running coordinator', () => {
  let fixture: AdminFixture
  beforeAll(async () => {
    fixture = await startAdminFixture()
    fixture.service.log = entries
  })
  afterAll(() => fixture.stop())

  test('verifies what the coordinator sends where its log is no file here', async () => {
    const { code, stdout } = await fixture.consilium('log', 'verify')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^the coordinator at 127\.0\.0\.1:\d+: verified, 6 entries in 2 streams$/m)
    expect((await fixture.consilium('log', 'verify', '--run', 'heart-1')).stdout).toContain('3 entries in 1 stream\n')
  })

  test('names the entry that a coordinator changed', async () => {
    fixture.service.log = entries.with(2, { ...entries[2]!, type: 'run-cancelled' })
    const { code, stderr } = await fixture.consilium('log', 'verify')
    expect(code).toBe(1)
    expect(stderr).toContain('entry 0 of stream run/heart-1 was changed')
  })
})
