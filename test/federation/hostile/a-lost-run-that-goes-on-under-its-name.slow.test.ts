/**
 * A coordinator that says it was restored, and begins a run under the name of one that its sites were in, as if it had
 * forgotten that. Sites that go along with the recovery forget nothing of the
 * run: its rounds are not worked again, and its log goes on from what they saw or not at all (E.6). What is left to the
 * coordinator: a run of another name, which is a run as any other.
 */
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import { expect, test } from 'vitest'
import { gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { otherLog } from '../../support/hostile/bent-recovery.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const study = { rounds: 1, evaluation: { bins: 8, everyRounds: 100 } }

/** A run that ends, a recovery that all sites go along with, and a second run, for which they are told that name. */
async function afterRecovery(nameOf: (first: string, second: string) => string) {
  const gather = gatherRefusals(siteNames.length)
  let [first, recovered] = ['', false]
  await using federation = await hostileFederation({
    policy: () => ({ recovery: { accept: true } }),
    toSite({ site, message }, at) {
      if (!recovered) return [message]
      if (message.type === 'shown-head' && message.head.stream === federationStream) return []
      if (message.type !== 'assignment') return [message]
      return [at.forge(site, message.plan, (plan) => ({ ...plan, run: nameOf(first, plan.run) }))]
    },
    fromSite: (heard, at) => gather(heard, at),
  })
  const { run } = await federation.run(study)
  first = run
  const again = await federation.create({ ...study, name: 'again', seed: 7 })
  recovered = true
  await recover(federation)
  const { state } = await federation.ended(await federation.startRun(again))
  const codes = siteNames.flatMap((site) => refusalsOf(federation, site))
  return { state, codes: [...new Set(codes)], leaks: await leaks(federation) }
}

/** Every site is shown a log of which only the beginning is as before, and its policy goes along. */
async function recover(federation: HostileFederation): Promise<void> {
  const log = await otherLog(federation, 4)
  for (const site of siteNames) {
    federation.say(site, log.shown())
  }
}

test('control: under a name of its own it is a run as any other', async () => {
  expect(await afterRecovery((_, second) => second)).toEqual({ state: 'finished', codes: [], leaks: [] })
})

test('under the name of the lost one no site works for it', async () => {
  expect(await afterRecovery((first) => first)).toEqual({ state: 'failed', codes: ['stale-round'], leaks: [] })
})
