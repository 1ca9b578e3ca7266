import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { formatJoinCode } from '@consilium/protos/join-code.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { lockState } from '../../../site-agent/store/lock.ts'
import { openSiteStore } from '../../../site-agent/store/site-store.ts'
import { type JoinedFolder, joinedSite } from '../../support/joined-site.ts'
import { siteCommand } from '../../support/site-command.ts'
import { lead, studyBytes, studyOf } from '../../support/site-fixture.ts'

let folder: JoinedFolder
const manifest = studyOf({}, { addObject: () => '0'.repeat(64) })
const sealedManifest = studyOf({ name: 'open', aggregation: { mode: 'sealed' } }, { addObject: () => '0'.repeat(64) })
const hash = studyHash(manifest)

beforeAll(async () => {
  folder = await joinedSite('mercy')
  const store = openSiteStore(folder.state)
  store.studies.keep(studyBytes(signStudy(manifest, lead)))
  store.studies.keep(studyBytes(signStudy(sealedManifest, lead)))
  const at = '2026-11-22T10:00:00.000Z'
  store.egress.append({ at, kind: 'join', study: '', bytes: 700, sha256: 'a'.repeat(64) })
  store.egress.append({ at, kind: 'upload', study: hash, bytes: 300, sha256: 'b'.repeat(64) })
  store.close()
})
afterAll(() => rmSync(folder.site, { recursive: true, force: true }))

const here = (...args: string[]) => siteCommand([...args, '--site', folder.site])

test.for([['--help'], ['join', '--help'], ['run', '--help'], ['study', 'approve', '--help'], ['egress', '--help']])(
  'help of %s is on standard output and no error',
  async (args) => {
    const { code, out, error } = await siteCommand(args)
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
  const result = await siteCommand(args)
  expect(result.code).toBe(code)
  expect(result.out).toBe('')
  expect(result.error).toMatch(/^error\[[a-z-]+\]: .+\n$/)
})

test('what comes from elsewhere cannot redraw the terminal', async () => {
  const { error } = await siteCommand(['\u001b[2J\rmercy'])
  expect(error).toContain(' [2J mercy')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come through.
  expect(error).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
})

test('an error with --json is JSON too', async () => {
  const { code, error } = await siteCommand(['status', '--site', '/nonexistent', '--json'])
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
  const { code, error } = await siteCommand(['join', '-', '--site', join(folder.site, 'elsewhere')], {
    input: `${expired}\n`,
  })
  expect(code).toBe(3)
  expect(error).toMatch(/expired/)
})

test('status tells membership and work without asking anybody', async () => {
  const { code, out } = await here('status', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    site: 'mercy',
    running: false,
    studies: { approved: 0, rejected: 0, undecided: 2 },
    egress: { messages: 2, bytes: 1000 },
  })
  expect((await here('status')).out).toMatch(/agent +not running/)
})

test('status shows what the models scored here, which in a secure study nobody else is told', async () => {
  const store = openSiteStore(folder.state)
  const planHash = 'e'.repeat(64)
  store.records.evaluated({
    planHash,
    run: 'heart-1',
    round: 7,
    study: hash,
    examples: 42,
    loss: 0.5,
    accuracy: 0.8125,
  })
  store.close()
  expect((await here('status')).out).toMatch(/test rows of this site[\s\S]*^heart-1 +7 +42 +0\.5000 +0\.8125$/m)
  expect(JSON.parse((await here('status', '--json')).out)).toMatchObject({
    evaluations: [{ run: 'heart-1', round: 7, examples: 42, accuracy: 0.8125 }],
  })
})

test('what this site stands out of is in its status until somebody resumes the study', async () => {
  const store = openSiteStore(folder.state)
  store.standOuts.add({ study: hash, purpose: 'evaluate', code: 'trainer-failed', reason: 'it ended with SIGSEGV' })
  store.close()
  expect((await here('status')).out).toMatch(/STANDS OUT .*study resume[\s\S]*heart evaluate +it ended with SIGSEGV/)
  const { standsOut } = JSON.parse((await here('status', '--json')).out)
  expect(standsOut).toMatchObject([{ study: hash, name: 'heart', purpose: 'evaluate' }])
  const resumed = await here('study', 'resume', 'heart', '--json')
  expect(JSON.parse(resumed.out)).toMatchObject({ study: hash, resumed: [{ purpose: 'evaluate' }] })
  expect((await here('status')).out).not.toMatch(/STANDS OUT/)
  expect(await here('study', 'resume', 'heart')).toMatchObject({
    code: 3,
    error: expect.stringMatching(/out of nothing/),
  })
})

test('status and study show tell the sums this site was in, with whom, and what is left of each limit', async () => {
  const quiet = JSON.parse((await here('study', 'show', 'heart', '--json')).out)
  expect(quiet.sums).toMatchObject({ study: hash, sums: [], partners: [] })
  expect((await here('study', 'show', 'heart')).out).toMatch(
    /^Sums this site was in: none yet$[\s\S]*^approve\.runsMax +study heart +0 of 5 +5 left$/m,
  )
  const store = openSiteStore(folder.state)
  const planHash = '7'.repeat(64)
  const plan = { run: 'heart-9', round: 3, purpose: 'evaluate', study: hash, model: 'a'.repeat(64) } as const
  const logHead = { size: 2, root: 'ab'.repeat(32) }
  store.journal.begin(planHash, { format: 2, ...plan, cohort: ['basel', 'mercy', 'zurich'], logHead })
  store.sessions.advertise({ planHash, ...plan }, store.sessionLedger.next(planHash), Buffer.from('x'))
  store.sessions.confirm(planHash, 'd'.repeat(64), ['basel', 'mercy', 'zurich'], Buffer.from('x'))
  const partners = {
    study: hash,
    purpose: 'evaluate',
    label: 'l',
    sites: ['basel', 'mercy', 'zurich'],
    change: 0,
  } as const
  store.partners.keep(partners)
  store.close()
  const sum = { run: 'heart-9', purpose: 'evaluate', sites: partners.sites, count: 1, firstRound: 3, lastRound: 3 }
  for (const args of [['status'], ['study', 'show', 'heart']]) {
    const { out } = await here(...args)
    expect(out).toMatch(/Sums this site was in\n.*\nheart-9 +evaluate +1 +round 3 +basel, mercy, zurich$/m)
    expect(out).toMatch(/^Partners: .*\n.*\nheart +evaluate +basel, mercy, zurich$/m)
    expect(out).toMatch(/^approve\.runsMax +study heart +1 of 5 +4 left$/m)
  }
  // Status tells of the limits that are used; study show of all.
  expect((await here('status')).out).not.toMatch(/trainExposuresMax/)
  expect((await here('study', 'show', 'heart')).out).toMatch(
    /^secure\.trainExposuresMax +run heart-9 +0 of 25 +25 left$/m,
  )
  expect(JSON.parse((await here('status', '--json')).out).sums).toMatchObject([{ study: hash, sums: [sum] }])
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
  expect(out).toMatch(/train +3 +3 +76 +the update/)
  expect(out).toMatch(/evaluate +3 +12 +112 +test rows.*two histograms of 4 bins/)
  expect(out).toMatch(/One sum shows no update, loss, count, histogram or accuracy of a single site/)
  expect(out).toMatch(
    /header of 16 slots, masked too: four ones, the weight, .*, the tags by which sites check the sum .*\.$/m,
  )
  expect(out).not.toMatch(/SEALED/)
  expect(out).toMatch(/The risk: what this asks of patients here[\s\S]*^of +not looked at yet/m)
  expect(out).toMatch(/^from the model +THE GRAPH IS ITS AUTHOR’S OWN/m)
  const json = JSON.parse((await here('study', 'show', hash.slice(0, 12), '--json')).out)
  expect(json).toMatchObject({
    hash,
    mode: 'secure',
    decision: null,
    leaves: { mode: 'secure', items: [{ times: 1 }, { times: 3 }, { times: 3 }] },
    risk: { asked: [{ about: 'reads' }, {}, {}, {}, {}, { about: 'stays' }] },
    breaches: [{ rule: 'graph' }, { rule: 'parameters' }, { rule: 'steps' }],
  })
})

test('a sealed study is shown in red, and in a word where there is no colour', async () => {
  const { out } = await siteCommand(['study', 'show', 'open', '--site', folder.site], { hasColor: true })
  expect(out.startsWith('\u001b[31m\u001b[1mSEALED MODE, NO SECURE AGGREGATION')).toBe(true)
  const plain = await here('study', 'show', 'open')
  expect(plain.out).toMatch(/^SEALED MODE, NO SECURE AGGREGATION: .*open every single update of this site\.$/m)
  expect(plain.out).toMatch(/^aggregation +SEALED/m)
  expect(plain.out).toMatch(/train +3 +3 +\d+ B +the update/)
  expect(JSON.parse((await here('study', 'show', 'open', '--json')).out)).toMatchObject({ mode: 'sealed' })
})

test('at a terminal a sealed study is approved only by a person who types so, after the warning', async () => {
  const approve = (answer: string) => siteCommand(['study', 'approve', 'open', '--site', folder.site], { answer })
  const declined = await approve('yes')
  expect([declined.code, declined.out]).toEqual([1, expect.stringMatching(/^SEALED MODE/)])
  expect(declined.error).toMatch(/The risk: what an author who means ill could learn[\s\S]*was not approved/)
  expect((await here('study', 'list')).out).toMatch(/open .* awaits a decision/)
  expect(declined.asked).toEqual(['Type sealed graph parameters steps to approve it all the same: '])
  expect((await approve('sealed')).code).toBe(1)
  expect((await approve('sealed, graph parameters steps')).out).toMatch(/SEALED MODE[\s\S]*is approved at this site/)
})

test('without a terminal each rule that a sealed study breaks is accepted by its name, and --json prints one document', async () => {
  const refused = await here('study', 'approve', 'open', '--accept', 'graph')
  expect([refused.code, refused.error]).toEqual([
    3,
    expect.stringMatching(/^error\[policy-refused\]: .*nothing is decided.*--accept graph,sealed,parameters,steps/),
  ])
  expect((await here('study', 'approve', 'open', '--accept', 'grapes')).error).toMatch(/no rule is called grapes/)
  const accept = ['--accept', 'sealed,graph,parameters,steps']
  expect((await here('study', 'approve', 'open', ...accept)).out).toMatch(/^SEALED MODE[\s\S]*is approved/)
  expect((await here('study', 'list')).out).toMatch(/open .* accepting sealed, graph, parameters, steps/)
  const { out } = await here('study', 'approve', 'open', '--json', ...accept)
  expect(JSON.parse(out)).toMatchObject({ mode: 'sealed', decision: { decision: 'approved' } })
  expect((await here('study', 'reject', 'open')).out).not.toMatch(/SEALED/)
})

test('a decision holds at once, also where the coordinator cannot be told yet', async () => {
  const approved = JSON.parse(
    (await here('study', 'approve', 'heart', '--json', '--accept', 'graph,parameters,steps')).out,
  )
  expect(approved).toMatchObject({ hash, told: false, decision: { decision: 'approved', by: 'person' } })
  const rejected = await here('study', 'reject', 'heart', '--reason', 'the ethics vote is pending')
  expect(rejected.code).toBe(0)
  expect(rejected.out).toMatch(/is rejected at this site[\s\S]*could not be told yet/)
  const { out, error } = await here('study', 'list')
  expect(out).toMatch(/heart .* rejected by /)
  expect(error).toMatch(/what this site knew before/)
})

test('a policy that became stricter than an approved study is said in status and in study show, and nothing is lost', async () => {
  await here('study', 'approve', 'heart', '--accept', 'graph,parameters,steps')
  expect((await here('status')).out).not.toMatch(/break the policy/)
  writeFileSync(join(folder.site, 'policy.yaml'), 'approve: { roundsMax: 2 }\n')
  try {
    expect((await here('status')).out).toMatch(
      /break the policy as it is now[^\n]*\nheart .*rounds: 3 rounds, at most 2/,
    )
    const shown = (await here('study', 'show', 'heart')).out
    expect(shown).toMatch(/decision +approved by .*accepting graph, parameters, steps/)
    expect(shown).toMatch(/^rounds +3 rounds, at most 2$/m)
    expect(shown).toMatch(/^steps +20 local steps .* \(accepted here\)$/m)
    const { breaches } = JSON.parse((await here('study', 'show', 'heart', '--json')).out)
    expect(breaches).toContainEqual({ rule: 'rounds', text: '3 rounds, at most 2', accepted: false })
  } finally {
    rmSync(join(folder.site, 'policy.yaml'))
    await here('study', 'reject', 'heart')
  }
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
