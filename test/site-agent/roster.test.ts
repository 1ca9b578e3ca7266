import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RosterSite } from '@consilium/protos/control-messages.ts'
import { fingerprint, generateIdentity } from '@consilium/protos/identity.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pinsToTell } from '../../site-agent/pins.ts'
import {
  approveSite,
  openRosterKeeper,
  type RosterKeeper,
  type RosterPolicy,
  removeSite,
  rosterLines,
} from '../../site-agent/roster.ts'
import type { AgentEvent } from '../../site-agent/round/events.ts'
import { openSiteStore, type SiteStore } from '../../site-agent/store/site-store.ts'

const entry = (site: string): RosterSite => ({ site, publicKey: generateIdentity().publicKey })
const own = entry('mercy')
const basel = entry('basel')
const zurich = entry('zurich')
const otherBasel = entry('basel')

let state: string
let store: SiteStore
let events: AgentEvent[]
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'consilium-roster-'))
  store = openSiteStore(state)
  events = []
})
afterEach(() => {
  store.close()
  rmSync(state, { recursive: true, force: true })
})

const policyOf = (...trusted: readonly RosterSite[]): RosterPolicy => ({
  roster: { sites: Object.fromEntries(trusted.map(({ site, publicKey }) => [site, fingerprint(publicKey)])) },
})

function keeper(policy: RosterPolicy = policyOf()): RosterKeeper {
  const emit = (event: AgentEvent) => void events.push(event)
  return openRosterKeeper({
    site: { name: own.site, store, emit },
    publicKey: own.publicKey,
    readPolicy: () => policy,
  })
}

const states = () => rosterLines(store.roster, own).map(({ site, state }) => `${site} ${state}`)
const approve = ({ site, publicKey }: RosterSite, policy = policyOf()) =>
  approveSite(store.roster, { site, fingerprint: fingerprint(publicKey), account: 'ada' }, policy)

test('a key that policy.yaml names is pinned, another awaits a person', () => {
  keeper(policyOf(basel)).offered([own, basel, zurich])
  expect(states()).toEqual(['basel pinned', 'mercy self', 'zurich offered'])
  expect(store.roster.pinned('zurich')).toBeUndefined()
  expect(events).toEqual([
    {
      type: 'roster-changed',
      sites: [
        { site: 'basel', fingerprint: fingerprint(basel.publicKey), state: 'pinned' },
        { site: 'zurich', fingerprint: fingerprint(zurich.publicKey), state: 'offered' },
      ],
    },
  ])
})

test('the same roster once more is no news', () => {
  const opened = keeper(policyOf(basel))
  opened.offered([own, basel, zurich])
  opened.offered([own, basel, zurich])
  expect(events).toHaveLength(1)
})

test('another key for a pinned site replaces nothing and is told', () => {
  const opened = keeper()
  opened.offered([own, basel])
  approve(basel)
  opened.offered([own, otherBasel])
  expect(Buffer.from(store.roster.pinned('basel')!)).toEqual(Buffer.from(basel.publicKey))
  expect(rosterLines(store.roster, own)[0]).toMatchObject({
    state: 'changed',
    fingerprint: fingerprint(basel.publicKey),
    offered: fingerprint(otherBasel.publicKey),
    by: 'person',
    account: 'ada',
  })
  expect(events.at(-1)).toMatchObject({ sites: [{ site: 'basel', state: 'changed' }] })
  approve(otherBasel)
  expect(states()).toEqual(['basel pinned', 'mercy self'])
})

test('another key for a site that policy.yaml names is not pinned either', () => {
  const opened = keeper(policyOf(basel))
  opened.offered([own, basel])
  opened.offered([own, otherBasel])
  expect(states()).toEqual(['basel changed', 'mercy self'])
})

test('a site that the coordinator no longer offers stays pinned: the coordinator takes nobody off', () => {
  const opened = keeper(policyOf(basel))
  opened.offered([own, basel])
  opened.offered([own])
  expect(states()).toEqual(['basel pinned', 'mercy self'])
})

test('a policy that names another fingerprint takes the pin away as soon as the agent starts', () => {
  keeper(policyOf(basel)).offered([own, basel])
  keeper(policyOf(otherBasel))
  expect(states()).toEqual(['basel offered', 'mercy self'])
})

test('a policy that is written after the offer pins it at the next start', () => {
  keeper().offered([own, basel])
  keeper(policyOf(basel))
  expect(states()).toEqual(['basel pinned', 'mercy self'])
})

test('a site called like a property of every object is none that the policy names', () => {
  const oddlyNamed = entry('constructor')
  keeper().offered([own, oddlyNamed])
  approve(oddlyNamed)
  keeper()
  expect(states()).toEqual(['constructor pinned', 'mercy self'])
})

test.for([
  { what: 'another key for this site itself', sites: () => [entry('mercy'), basel] },
  { what: 'no key for this site itself', sites: () => [basel] },
  { what: 'one site twice', sites: () => [own, basel, otherBasel] },
  { what: 'one key under two names', sites: () => [own, basel, { ...basel, site: 'zurich' }] },
])('a roster with $what is told as a roster mismatch', ({ sites }) => {
  expect(() => keeper().offered(sites())).toThrow(expect.objectContaining({ code: 'roster-mismatch' }))
})

test('a roster with a key under which signatures can be forged is refused whole', () => {
  const forged = { site: 'zurich', publicKey: Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)) }
  expect(() => keeper().offered([own, basel, forged])).toThrow(/small order/)
  expect(store.roster.offers()).toEqual([])
})

test('a key is approved only by the fingerprint that is offered', () => {
  keeper().offered([own, basel])
  expect(() => approve(otherBasel)).toThrow(expect.objectContaining({ code: 'roster-mismatch' }))
  expect(() => approve(zurich)).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(store.roster.pins()).toEqual([])
  approve(basel)
  approve(basel)
  expect(states()).toEqual(['basel pinned', 'mercy self'])
})

test('a person cannot approve against policy.yaml, nor remove what it would pin again', () => {
  keeper(policyOf(basel)).offered([own, basel])
  expect(() => removeSite(store.roster, 'basel', 'ada', policyOf(basel))).toThrow(/policy\.yaml names basel/)
  keeper().offered([own, otherBasel])
  expect(() => approve(otherBasel, policyOf(basel))).toThrow(/policy\.yaml names SHA256/)
})

test('a removed site is not trusted until it is approved again', () => {
  keeper().offered([own, basel])
  approve(basel)
  removeSite(store.roster, 'basel', 'ada', policyOf())
  expect(states()).toEqual(['basel offered', 'mercy self'])
  expect(() => removeSite(store.roster, 'basel', 'ada', policyOf())).toThrow(
    expect.objectContaining({ code: 'not-found' }),
  )
})

/** As the agent keeps it; what the coordinator signed is checked before. */
const revoke = ({ site, publicKey }: RosterSite) =>
  store.coordinatorLog.keepRevocations([
    { site, publicKey, epoch: 1, at: '2026-11-20T08:00:00.000Z', signature: new Uint8Array(64) },
  ])
const told = () => pinsToTell(store.roster).map(({ site }) => site)

test('a revoked key counts for nothing more, until a person approves it again', () => {
  const opened = keeper()
  opened.offered([own, basel, zurich])
  approve(basel)
  approve(zurich)
  revoke(basel)
  opened.offered([own, basel, zurich])
  expect([states(), told()]).toEqual([['basel revoked', 'mercy self', 'zurich pinned'], ['zurich']])
  expect(rosterLines(store.roster, own)[0]).toMatchObject({ revokedAt: '2026-11-20T08:00:00.000Z', account: 'ada' })
  revoke(basel)
  approve(basel)
  revoke(basel)
  expect([states(), told()]).toEqual([
    ['basel pinned', 'mercy self', 'zurich pinned'],
    ['basel', 'zurich'],
  ])
})

test.for([
  { what: 'before it was pinned', before: [] },
  { what: 'after', before: [basel] },
])('policy.yaml brings no key back that was revoked $what, nor does another name', ({ before }) => {
  const opened = keeper(policyOf(basel, { ...basel, site: 'geneva' }))
  opened.offered([own, ...before])
  revoke(basel)
  opened.offered([own, basel])
  keeper(policyOf(basel))
  expect([states(), told()]).toEqual([['basel revoked', 'mercy self'], []])
  opened.offered([own, { ...basel, site: 'geneva' }])
  expect(states()).toContain('geneva revoked')
})
