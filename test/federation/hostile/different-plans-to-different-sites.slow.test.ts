/**
 * A coordinator that gives one site another plan: its keys do not pass for the plan of the others.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, gatherRefusals, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { secure } from '../../support/hostile/bent-plan.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { planIn } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('different plans to different sites: the keys of one do not pass for the plan of the others', async () => {
  await using federation = await hostileFederation({
    fromSite: gatherRefusals(3),
    toSite({ site, message }, at) {
      if (message.type === 'assignment' && site === target && planIn(message.plan).purpose === 'train')
        return [at.forge(site, message.plan, secure({ colluders: 2 }))]
      // The coordinator itself finds the keys badly signed and leaves the site out; a hostile one would not.
      const other = at.recorded.heard.find(
        (heard) => heard.site === target && heard.message.type === 'advertise',
      )?.message
      if (message.type === 'directory' && message.sites.length === 3 && other?.type === 'advertise')
        return [{ ...message, sites: [...message.sites, { index: 4, body: other.body, signature: other.signature }] }]
      return [message]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  for (const site of ['basel', 'cleveland', 'hungary'])
    expect(refusalsOf(federation, site)).toContain('directory-invalid')
  const entries = await federation.entries(runStream(view.run))
  expect(droppedIn(federation, entries, target)).toEqual(['signature-invalid'])
  expect(['basel', 'cleveland', 'hungary'].flatMap((site) => droppedIn(federation, entries, site))).toContain(
    'directory-invalid',
  )
  expect(await leaks(federation)).toEqual([])
})
