import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint, generateIdentity } from '@consilium/protos/identity.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { openJoined } from '../../../site-agent/link/identity-files.ts'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'
import { type JoinedFolder, joinedSite } from '../../support/joined-site.ts'
import { siteCommand } from '../../support/site-command.ts'

const basel = { site: 'basel', publicKey: generateIdentity().publicKey }
const print = fingerprint(basel.publicKey)
const otherPrint = fingerprint(generateIdentity().publicKey)

let folder: JoinedFolder
/** As the running agent has it open. */
let store: SiteStore
beforeEach(async () => {
  folder = await joinedSite('mercy')
  store = openSiteStore(folder.state)
  store.roster.offered([basel, { site: 'mercy', publicKey: folder.identity.publicKey }])
})
afterEach(() => {
  store.close()
  rmSync(folder.site, { recursive: true, force: true })
})

const roster = (...args: readonly string[]) => siteCommand(['roster', ...args, '--site', folder.site])

const own = () => fingerprint(folder.identity.publicKey)
const coordinator = () => fingerprint(openJoined(folder.state).coordinatorPublicKey)

test('the list shows every fingerprint, what each counts for, and the coordinator', async () => {
  const { code, out } = await roster('list')
  expect(code).toBe(0)
  expect(out).toContain(coordinator())
  expect(out).toMatch(new RegExp(`basel +${print.replaceAll('+', '\\+')} +offered, awaits approval`))
  expect(out).toMatch(new RegExp(`mercy +${own().replaceAll('+', '\\+')} +this site`))
  expect(JSON.parse((await roster('list', '--json')).out)).toEqual({
    coordinator: coordinator(),
    sites: [
      { site: 'basel', fingerprint: print, state: 'offered' },
      { site: 'mercy', fingerprint: own(), state: 'self' },
    ],
  })
})

test('a person who compared the fingerprint pins it, and the running agent knows at once', async () => {
  const { code, out, error } = await roster('approve', 'basel', print)
  expect({ code, error }).toEqual({ code: 0, error: '' })
  expect(out).toContain(`basel is pinned: ${print}\nThe coordinator could not be told yet`)
  expect(Buffer.from(store.roster.pinned('basel')!)).toEqual(Buffer.from(basel.publicKey))
  expect((await roster('list')).out).toMatch(/basel .* pinned by \w+, 2\d{3}-/)
  const removed = await roster('remove', 'basel', '--json')
  expect(removed.code).toBe(0)
  expect(JSON.parse(removed.out)).toEqual({ site: 'basel', state: 'removed', told: false })
  expect(store.roster.pinned('basel')).toBeUndefined()
})

test('a key that the coordinator revoked shows in the list, also beside the key of a site that joined anew', async () => {
  await roster('approve', 'basel', print)
  const signature = new Uint8Array(64)
  store.coordinatorLog.keepRevocations([{ ...basel, epoch: 1, at: '2026-11-20T08:00:00.000Z', signature }])
  expect((await roster('list')).out).toMatch(/basel .* pinned by \w+, .*; REVOKED by the coordinator, 2026-11-20/)
  store.roster.offered([{ site: 'basel', publicKey: generateIdentity().publicKey }])
  expect((await roster('list')).out).toMatch(/basel .*REVOKED by the coordinator, .*; ANOTHER key is offered/)
})

test('another key for a pinned site shows in the list', async () => {
  await roster('approve', 'basel', print)
  const other = generateIdentity().publicKey
  store.roster.offered([{ site: 'basel', publicKey: other }])
  const { out } = await roster('list')
  expect(out).toMatch(/basel .*ANOTHER key is offered/)
  expect(out).toContain(`The coordinator offers ${fingerprint(other)} for basel.`)
})

test.for([
  {
    args: ['approve', 'basel', otherPrint],
    code: 3,
    error: /^error\[roster-mismatch\]: the coordinator offers SHA256/,
  },
  { args: ['approve', 'zurich', print], code: 3, error: /^error\[not-found\]: .*offers no key for zurich/ },
  { args: ['approve', 'basel', 'SHA256:short'], code: 2, error: /^error\[invalid-argument\]: .*no fingerprint/ },
  { args: ['approve', 'mercy', print], code: 2, error: /^error\[invalid-argument\]: mercy is this site itself/ },
  { args: ['approve', 'basel'], code: 2, error: /^error\[invalid-argument\]: missing required argument/ },
  { args: ['remove', 'basel'], code: 3, error: /^error\[not-found\]: no key of basel is pinned/ },
  { args: ['list', '--state', '/nonexistent'], code: 5, error: /^error\[unauthenticated\]/ },
])('roster $args ends with exit code $code and the reason', async ({ args, code, error }) => {
  const result = await roster(...args)
  expect(result).toMatchObject({ code, out: '' })
  expect(result.error).toMatch(error)
})

test('what policy.yaml names cannot be removed beside it', async () => {
  await roster('approve', 'basel', print)
  writeFileSync(join(folder.site, 'policy.yaml'), `roster: { sites: { basel: '${print}' } }`)
  expect(await roster('remove', 'basel')).toMatchObject({
    code: 3,
    error: expect.stringContaining('policy.yaml names basel'),
  })
})

test('the export holds what is trusted and nothing else', async () => {
  await roster('approve', 'basel', print)
  store.roster.offered([basel, { site: 'zurich', publicKey: generateIdentity().publicKey }])
  const expected = { coordinator: coordinator(), sites: { basel: print, mercy: own() } }
  expect(parse((await roster('export')).out)).toEqual(expected)
  expect(JSON.parse((await roster('export', '--json')).out)).toEqual(expected)
  const out = join(folder.site, 'roster.yaml')
  expect((await roster('export', '--out', out)).out).toBe(`${out}: 2 sites\n`)
  expect(parse(readFileSync(out, 'utf8'))).toEqual(expected)
})

test.for([['list'], ['approve'], ['remove'], ['export']])('roster %s explains itself', async ([command = '']) => {
  const { code, out } = await roster(command, '--help')
  expect(code).toBe(0)
  expect(out).toMatch(/\$ site-agent roster/)
})
