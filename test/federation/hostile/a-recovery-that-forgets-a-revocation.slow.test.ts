/**
 * A coordinator that sent a site away, then says it was restored from an old copy and has that site in its rounds again: by a
 * recovery whose policy says to accept it, or without a word. Who holds the coordinator's signature on the revocation works
 * on no plan that names that key, and goes along with no such recovery by itself, until a person there pins the key again
 * (E.6). Control: sites that nobody told of the revocation. What is left to the coordinator: those who joined since and were
 * not told, and people who approve the key.
 */
import { signRevocation } from '@consilium/protos/revocation.ts'
import { expect, test } from 'vitest'
import { gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { otherLog } from '../../support/hostile/bent-recovery.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import type { Lies } from '../../support/hostile/lying.ts'
import { approveKey, atSite } from '../../support/hostile/people.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const revoked = 'zurich'
const others = siteNames.filter((site) => site !== revoked)

/** It recruits whom it likes: what sites say they pinned is what it wants to hear. */
const allPinned: Lies['fromSite'] = ({ message }, { joined }) => {
  if (message.type !== 'pinned') return [message]
  return [
    { type: 'pinned', sites: [...joined.values()].map(({ site, identity: { publicKey } }) => ({ site, publicKey })) },
  ]
}

/** Each of the others is told, as it would be were the coordinator honest. */
async function revoke(federation: HostileFederation): Promise<void> {
  const { publicKey } = federation.joined.get(revoked)!.identity
  const at = '2026-11-20T08:00:00.000Z'
  const revocation = signRevocation(federation.identity, { site: revoked, publicKey, epoch: 1, at })
  for (const site of others) {
    federation.say(site, { type: 'revoked', revocations: [revocation] })
    await federation.until(() => federation.agents.get(site)!.events.some(({ type }) => type === 'site-revoked'))
  }
}

test('control: who was told of no revocation works with that site', async () => {
  await using federation = await hostileFederation({ fromSite: allPinned })
  const { rounds } = await federation.run()
  expect(rounds[0]!.survivors).toEqual(siteNames)
})

test('who was told works on no plan with it, until a person pins its key again', async () => {
  const gather = gatherRefusals(others.length)
  await using federation = await hostileFederation({
    fromSite: (heard, at) => (heard.message.type === 'pinned' ? allPinned(heard, at) : gather(heard, at)),
  })
  const study = await federation.create()
  await revoke(federation)
  expect((await federation.ended(await federation.startRun(study))).state).toBe('failed')
  for (const site of others) expect(refusalsOf(federation, site)).toEqual(['roster-mismatch'])
  expect(federation.recorded.uploads).toEqual([])
  const { sites } = await atSite(federation, others[0]!, 'roster', 'list')
  expect(sites).toContainEqual(expect.objectContaining({ site: revoked, state: 'revoked' }))
  await approveKey(federation, revoked, others)
  const { rounds } = await federation.run({ name: 'once-more' })
  expect(rounds[0]!.survivors).toEqual(siteNames)
  expect(await leaks(federation)).toEqual([])
})

test('a recovery that offers it again is for a person, whatever the policy says', async () => {
  const shown = new Set<string>()
  await using federation = await hostileFederation({
    policy: () => ({ recovery: { accept: true } }),
    toSite: ({ site, message }) => (shown.has(site) && message.type === 'shown-head' ? [] : [message]),
  })
  const study = await federation.create()
  await revoke(federation)
  const log = await otherLog(federation, 4)
  for (const site of others) {
    shown.add(site)
    federation.say(site, log.shown())
    await federation.until(() =>
      federation.agents.get(site)!.events.some(({ type }) => type === 'coordinator-recovered'),
    )
  }
  const { run } = await federation.admin.startRun(study)
  expect((await federation.ended(run)).state).toBe('failed')
  for (const site of others) expect(refusalsOf(federation, site)).toContain('recovery-refused')
  expect(federation.recorded.uploads).toEqual([])
  expect(await atSite(federation, others[0]!, 'coordinator', 'show')).toMatchObject({
    recoveries: [expect.not.objectContaining({ accepted: expect.anything() })],
    revoked: [{ site: revoked }],
  })
})
