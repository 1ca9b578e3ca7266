/** A coordinator that slips a key of its own into the federation, as a site or as itself: what was pinned counts. */
import { generateIdentity, sign } from '@consilium/protos/identity.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { planIn } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const honest = ['basel', 'cleveland', 'hungary']

test('an enrolled site that the others have not pinned is in no round of theirs', async () => {
  await using federation = await hostileFederation({ pinned: honest, sites: { zurich: {} } })
  const view = await federation.run()
  expect(view).toMatchObject({ state: 'finished', rounds: [{ cohort: honest, survivors: honest, dropouts: [] }] })
  for (const site of honest) expect(refusalsOf(federation, site)).toEqual([])
  expect(await leaks(federation)).toEqual([])
})

test('nor where the coordinator recruits it as if they had: each refuses the plan', async () => {
  const gather = gatherRefusals(3)
  await using federation = await hostileFederation({
    pinned: honest,
    sites: { zurich: {} },
    fromSite(heard, at) {
      if (heard.message.type !== 'pinned') return gather(heard, at)
      const sites = [...at.joined.values()].map(({ site, identity: { publicKey } }) => ({ site, publicKey }))
      return [{ type: 'pinned', sites }]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of honest) expect(refusalsOf(federation, site)).toContain('roster-mismatch')
  expect(honest.flatMap((site) => droppedIn(federation, entries, site))).toContain('roster-mismatch')
  expect(federation.recorded.uploads).toEqual([])
  expect(await leaks(federation)).toEqual([])
})

test('another coordinator that the pinned key did not hand itself on to signs no plan', async () => {
  const other = generateIdentity()
  await using federation = await hostileFederation({
    toSite({ site, message }, { identity }) {
      if (site !== target) return [message]
      if (message.type === 'assignment' && planIn(message.plan).purpose === 'train')
        return [{ type: 'assignment', plan: signRoundPlan(planIn(message.plan), other) }]
      if (message.type !== 'roster') return [message]
      const [oldPublicKey, newPublicKey] = [identity.publicKey, other.publicKey]
      const signature = sign(other, 'rotate', oldPublicKey, newPublicKey)
      const rotation = { oldPublicKey, newPublicKey, oldSignature: signature, newSignature: signature }
      return [{ type: 'coordinator-keys', rotations: [rotation] }, message]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('finished')
  const codes = federation.agents.get(target)!.events.flatMap((event) => ('code' in event ? [event.code] : []))
  expect(codes).toEqual(['coordinator-key-changed', 'signature-invalid'])
  expect(droppedIn(federation, await federation.entries(runStream(view.run)), target)).toEqual(['signature-invalid'])
  expect(await leaks(federation)).toEqual([])
})
