import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { formatJoinCode } from '@consilium/protos/join-code.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { main } from '../../../site-agent/cli/main.ts'
import type { Terminal } from '../../../site-agent/cli/output.ts'
import { lockState } from '../../../site-agent/store/lock.ts'
import { openSiteStore } from '../../../site-agent/store/site-store.ts'
import { type JoinedFolder, joinedSite } from '../../support/joined-site.ts'
import { lead, studyBytes, studyOf } from '../../support/site-fixture.ts'

let folder: JoinedFolder
const manifest = studyOf({}, { addObject: () => '0'.repeat(64) })
const hash = studyHash(manifest)

beforeAll(async () => {
  folder = await joinedSite('mercy')
  const store = openSiteStore(folder.state)
  store.studies.keep(studyBytes(signStudy(manifest, lead)))
  const at = '2026-11-22T10:00:00.000Z'
  store.egress.append({ at, kind: 'join', study: '', bytes: 700, sha256: 'a'.repeat(64) })
  store.egress.append({ at, kind: 'upload', study: hash, bytes: 300, sha256: 'b'.repeat(64) })
  store.close()
})
afterAll(() => rmSync(folder.site, { recursive: true, force: true }))

type Output = { readonly code: number; readonly out: string; readonly error: string }

async function run(args: readonly string[], input = ''): Promise<Output> {
  let out = ''
  let error = ''
  const terminal: Terminal = {
    isLive: false,
    columns: 100,
    write: (text) => {
      out += text
    },
    writeError: (text) => {
      error += text
    },
  }
  const code = await main(args, { terminal, readInput: async () => input, interrupted: AbortSignal.abort() })
  return { code, out, error }
}

const here = (...args: string[]) => run([...args, '--site', folder.site])

test.for([['--help'], ['join', '--help'], ['run', '--help'], ['study', 'approve', '--help'], ['egress', '--help']])(
  'help of %s is on standard output and no error',
  async (args) => {
    const { code, out, error } = await run(args)
    expect([code, error]).toEqual([0, ''])
    expect(out).toMatch(/Usage: site-agent/)
    expect(out).toMatch(/\$ .*site-agent/)
  },
)

test.for([
  { args: ['studdy'], code: 2 },
  { args: ['run', '--log-level', 'loud'], code: 2 },
  { args: ['egress', '--last', '0'], code: 2 },
  { args: ['join', 'a code cut off'], code: 3 },
  { args: ['status', '--site', '/nonexistent'], code: 5 },
  { args: ['run', '--site', '/nonexistent'], code: 2 },
])('$args ends with exit code $code and one line of reason', async ({ args, code }) => {
  const result = await run(args)
  expect(result.code).toBe(code)
  expect(result.out).toBe('')
  expect(result.error).toMatch(/^error\[[a-z-]+\]: .+\n$/)
})

test('what comes from elsewhere cannot redraw the terminal', async () => {
  const { error } = await run(['\u001b[2J\rmercy'])
  expect(error).toContain(' [2J mercy')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come through.
  expect(error).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
})

test('an error with --json is JSON too', async () => {
  const { code, error } = await run(['status', '--site', '/nonexistent', '--json'])
  expect(code).toBe(5)
  expect(JSON.parse(error)).toMatchObject({ error: { code: 'unauthenticated' } })
})

test('a join code may come on standard input, so that no process list shows it', async () => {
  const expired = formatJoinCode({
    address: 'localhost:1',
    site: 'hope',
    authority: 'a'.repeat(64),
    secret: Buffer.alloc(32).toString('base64'),
    expiresAt: '2020-01-01T00:00:00Z',
  })
  const { code, error } = await run(['join', '-', '--site', join(folder.site, 'elsewhere')], `${expired}\n`)
  expect(code).toBe(3)
  expect(error).toMatch(/expired/)
})

test('status tells membership and work without asking anybody', async () => {
  const { code, out } = await here('status', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    site: 'mercy',
    running: false,
    studies: { approved: 0, rejected: 0, undecided: 1 },
    egress: { messages: 2, bytes: 1000 },
  })
  expect((await here('status')).out).toMatch(/agent +not running/)
})

test('a second agent on the same state is refused, and status sees the first', async () => {
  writeFileSync(join(folder.site, 'site.yaml'), siteYaml)
  const lock = lockState(folder.state)
  const { code, error } = await here('run')
  const status = await here('status', '--json')
  lock.release()
  expect(code).toBe(3)
  expect(error).toMatch(/another site-agent runs/)
  expect(JSON.parse(status.out)).toMatchObject({ running: true })
})

test('study show tells what would leave: kinds, sizes, how often', async () => {
  const { out } = await here('study', 'show', 'heart')
  expect(out).toMatch(/train +3 +3 +\d+ B +the update/)
  expect(out).toMatch(/evaluate +3 +8 +\d+ B +two histograms of 4 bins/)
  expect(out).toMatch(/can open each one by itself/)
  const json = JSON.parse((await here('study', 'show', hash.slice(0, 12), '--json')).out)
  expect(json).toMatchObject({ hash, decision: null, leaves: { items: [{ times: 1 }, { times: 3 }, { times: 3 }] } })
})

test('a decision holds at once, also where the coordinator cannot be told yet', async () => {
  const approved = JSON.parse((await here('study', 'approve', 'heart', '--json')).out)
  expect(approved).toMatchObject({ hash, told: false, decision: { decision: 'approved', by: 'person' } })
  const rejected = await here('study', 'reject', 'heart', '--reason', 'the ethics vote is pending')
  expect(rejected.code).toBe(0)
  expect(rejected.out).toMatch(/is rejected at this site[\s\S]*could not be told yet/)
  const { out, error } = await here('study', 'list')
  expect(out).toMatch(/heart .* rejected by /)
  expect(error).toMatch(/what this site knew before/)
})

test('a study nobody offered is not found', async () => {
  expect((await here('study', 'show', 'lung')).code).toBe(3)
})

test('a state folder that is a file is named, without a stack trace', async () => {
  const { code, error } = await here('status', '--state', join(folder.site, 'site.yaml'))
  expect(code).toBe(1)
  expect(error).toMatch(/^error\[store-failed\]: [^\n]*site\.yaml[^\n]*\n$/)
})

test('egress lists what left, by study where asked, and verifies the ledger', async () => {
  const json = JSON.parse((await here('egress', '--json', '--verify')).out)
  expect(json.verified.entries).toBeGreaterThanOrEqual(2)
  expect(json.entries[0]).toMatchObject({ kind: 'join', bytes: 700 })
  const ofStudy = JSON.parse((await here('egress', '--study', 'heart', '--json')).out)
  expect(ofStudy.entries[0]).toMatchObject({ kind: 'upload', study: hash })
  expect(ofStudy.entries.filter((entry: { study: string }) => entry.study !== hash)).toEqual([])
})

test('a ledger that was tampered with ends egress --verify with exit code 1', async () => {
  const database = new DatabaseSync(join(folder.state, 'agent.sqlite'))
  database.exec('DROP TRIGGER egress_keeps_entries; UPDATE egress SET bytes = 1 WHERE seq = 1')
  database.close()
  const { code, error } = await here('egress', '--verify')
  expect(code).toBe(1)
  expect(error).toMatch(/entry 1 of stream egress was changed/)
})

const siteYaml = `
files:
  heart: { format: csv, path: heart.csv, columns: { age: DOUBLE, chol: DOUBLE, disease: BIGINT } }
view: SELECT age, chol, disease FROM heart
`
