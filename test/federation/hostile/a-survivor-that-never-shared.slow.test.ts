/**
 * A coordinator that loses a site before its shares, and counts it among the survivors: check S5 ends it.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('a site that never shared its keys is no survivor', async () => {
  const gather = gatherRefusals(3)
  await using federation = await hostileFederation({
    // The coordinator loses one site before its shares, and claims its upload all the same.
    fromSite: ({ site, message }, at) =>
      site === 'cleveland' && message.type === 'share-keys'
        ? [{ type: 'refusal', planHash: message.planHash, code: 'data-not-ready' }]
        : gather({ site, message }, at),
    toSite({ message }, at) {
      if (message.type !== 'survivors') return [message]
      const outsider = { ...message.survivors[0]!, index: 2 }
      const [first, ...rest] = message.survivors
      return at.planOf(message)?.purpose === 'train'
        ? [{ ...message, survivors: [first!, outsider, ...rest] }]
        : [message]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of ['basel', 'hungary', 'zurich']) {
    expect(refusalsOf(federation, site)).toEqual(['survivors-invalid'])
  }
  expect(['basel', 'hungary', 'zurich'].flatMap((site) => droppedIn(federation, entries, site))).toContain(
    'survivors-invalid',
  )
  expect(await leaks(federation)).toEqual([])
})
