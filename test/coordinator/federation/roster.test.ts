import { generateIdentity } from '@consilium/protos/identity.ts'
import { expect, test } from 'vitest'
import type { FederationEvent } from '../../../coordinator/federation/events.ts'
import { emptyFederation, evolveFederation } from '../../../coordinator/federation/federation.ts'
import { offeredRoster, rosterKey } from '../../../coordinator/federation/roster.ts'

const at = '2026-11-22T10:00:00.000Z'
const keys = new Map(['basel', 'mercy', 'zurich'].map((site) => [site, generateIdentity().publicKey]))
const joined = (site: string, publicKey = keys.get(site)!): FederationEvent => ({
  type: 'site-joined',
  at,
  site,
  secretHash: '0'.repeat(64),
  identityPublicKey: Buffer.from(publicKey).toString('base64'),
  serial: '1',
  expiresAt: at,
})
const invited = (site: string): FederationEvent => ({
  type: 'site-invited',
  at,
  site,
  secretHash: '0'.repeat(64),
  expiresAt: at,
})
const revoked = (site: string): FederationEvent => ({ type: 'site-revoked', at, site, reason: 'left' })
const rosterAfter = (...events: FederationEvent[]) => offeredRoster(events.reduce(evolveFederation, emptyFederation))

test('the roster holds every enrolled site with its key, by name', () => {
  expect(rosterAfter(joined('zurich'), joined('basel'))).toEqual([
    { site: 'basel', publicKey: Buffer.from(keys.get('basel')!) },
    { site: 'zurich', publicKey: Buffer.from(keys.get('zurich')!) },
  ])
})

test('a site that was only invited, or was revoked, is in no roster', () => {
  const sites = rosterAfter(invited('mercy'), joined('basel'), joined('zurich'), revoked('basel'), invited('basel'))
  expect(sites.map(({ site }) => site)).toEqual(['zurich'])
})

test('whoever joins under an old name is offered with the new key', () => {
  const fresh = generateIdentity().publicKey
  expect(rosterAfter(joined('basel'), revoked('basel'), joined('basel', fresh))).toEqual([
    { site: 'basel', publicKey: Buffer.from(fresh) },
  ])
})

test('another roster has another key, the same one the same', () => {
  const one = rosterAfter(joined('basel'), joined('zurich'))
  expect(rosterKey(one)).toBe(rosterKey(rosterAfter(joined('zurich'), joined('basel'))))
  const others = [rosterAfter(joined('basel')), rosterAfter(joined('basel'), joined('zurich', keys.get('mercy')!))]
  expect(new Set([one, ...others].map(rosterKey)).size).toBe(3)
})
