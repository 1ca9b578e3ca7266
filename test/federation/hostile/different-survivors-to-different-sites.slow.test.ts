/**
 * A coordinator that names other survivors to other sites: check S6 ends it.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('different survivors to different sites: none gathers a quorum, and nothing is released', async () => {
  const gather = gatherRefusals(4)
  await using federation = await hostileFederation({
    toSite: ({ site, message }) =>
      message.type === 'survivors' && ['hungary', 'zurich'].includes(site)
        ? [{ ...message, survivors: message.survivors.filter(({ index }) => index !== 2) }]
        : [message],
    fromSite({ site: from, message }, at) {
      if (message.type !== 'confirm') return gather({ site: from, message }, at)
      const all = at.recorded.heard.flatMap((heard) =>
        heard.message.type === 'confirm'
          ? [{ index: siteNames.indexOf(heard.site) + 1, signature: heard.message.signature }]
          : [],
      )
      if (all.length < 4) return []
      const confirmations = all.toSorted((a, b) => a.index - b.index)
      const { planHash } = message
      for (const site of ['basel', 'cleveland']) at.say(site, { type: 'quorum', planHash, confirmations })
      const others = confirmations.filter(({ index }) => index !== 2)
      for (const site of ['hungary', 'zurich']) at.say(site, { type: 'quorum', planHash, confirmations: others })
      return []
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of siteNames) {
    expect(refusalsOf(federation, site)).toEqual(['quorum-invalid'])
  }
  expect(siteNames.flatMap((site) => droppedIn(federation, entries, site))).toContain('quorum-invalid')
  expect(federation.recorded.heard.some(({ message }) => message.type === 'unmask')).toBe(false)
  expect(await leaks(federation)).toEqual([])
})
