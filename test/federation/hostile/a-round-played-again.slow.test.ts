/**
 * A coordinator that plays a round that is over again, message for message: check S7 ends it.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { droppedIn, refusalsOf, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

test('a round that is over is played again in vain', async () => {
  const replayed = ['assignment', 'advertise-keys', 'directory', 'shares', 'survivors', 'quorum'] as const
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      const plan = at.planOf(message)
      if (site !== target || message.type !== 'assignment' || plan?.purpose !== 'train' || plan.round !== 2)
        return [message]
      const first = replayed.map((type) => {
        const told = at.recorded.told.find((one) => one.site === site && one.message.type === type)!.message
        return told.type === 'assignment' ? at.forgeBeside(site, message.plan, () => at.planOf(told)!) : told
      })
      return [message, ...first]
    },
  })
  const view = await federation.run({ rounds: 2 })
  expect(view.state).toBe('finished')
  expect(refusalsOf(federation, target)).toEqual(['stale-round'])
  expect(droppedIn(federation, await federation.entries(runStream(view.run)), target)).toEqual(['stale-round'])
  const first = [...federation.plans].find(([, { round }]) => round === 1)![0]
  // An answer may come again, and then it is the very same.
  const answers = federation.recorded.heard.flatMap(({ site, message }) =>
    site === target && 'signature' in message && message.planHash === first
      ? [`${message.type} ${Buffer.from(message.signature).toString('hex')}`]
      : [],
  )
  expect([...new Set(answers)].map((answer) => answer.split(' ')[0])).toEqual([
    'advertise',
    'share-keys',
    'confirm',
    'unmask',
    'verified',
  ])
  expect(await leaks(federation)).toEqual([])
})
