/**
 * Another coordinator that signs in the place of the one whose key the sites pinned.
 */
import { generateIdentity, sign } from '@consilium/protos/identity.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { expect, test } from 'vitest'
import { droppedIn, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { planIn } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

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
