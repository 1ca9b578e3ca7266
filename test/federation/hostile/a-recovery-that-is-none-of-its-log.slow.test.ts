/**
 * A coordinator that shows another log than before and calls that a recovery: without its signature, of another epoch, or of
 * entries that the log it shows does not go on from. The site takes it for a log that went back, whatever its policy says of
 * recoveries, and works on no plan (E.6). What is left to it: a recovery of its own log, which a policy that accepts them
 * lets pass (the control), and a person as well; sites forget nothing by it.
 */
import { generateIdentity } from '@consilium/protos/identity.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import { signRecovery } from '@consilium/protos/recovery.ts'
import { expect, test } from 'vitest'
import { refusalsOf, target } from '../../support/hostile/attacks.ts'
import { type OtherLog, otherLog } from '../../support/hostile/bent-recovery.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

const kept = 4
const others = siteNames.filter((site) => site !== target)

/** The target is shown that log; what came of a run after it. */
async function afterIt(show: (log: OtherLog) => ReturnType<OtherLog['shown']>) {
  let shown = false
  await using federation = await hostileFederation({
    policy: () => ({ recovery: { accept: true } }),
    // From then on it is shown no other.
    toSite: ({ site, message }) =>
      shown && site === target && message.type === 'shown-head' && message.head.stream === federationStream
        ? []
        : [message],
  })
  const study = await federation.create()
  shown = true
  federation.say(target, show(await otherLog(federation, kept)))
  const { run } = await federation.admin.startRun(study)
  const { rounds } = await federation.ended(run)
  const { events } = federation.agents.get(target)!
  const troubles = events.flatMap((event) => (event.type === 'trouble' ? [event.code] : []))
  const wentBack = events.some(({ type }) => type === 'coordinator-went-back')
  const [{ survivors }] = rounds as [(typeof rounds)[number]]
  return {
    survivors,
    refused: [...new Set(refusalsOf(federation, target))],
    troubles,
    wentBack,
    leaks: await leaks(federation),
  }
}

test('control: a recovery of the log that is shown passes where the policy accepts it', async () => {
  expect(await afterIt((log) => log.shown())).toEqual({
    ...{ survivors: siteNames, refused: [], troubles: [], wentBack: false, leaks: [] },
  })
})

test.for<{ what: string; code?: string; show: (log: OtherLog) => ReturnType<OtherLog['shown']> }>([
  { what: 'that is not said', show: (log) => log.shown({ recoveries: [] }) },
  {
    what: 'that somebody else signed',
    code: 'signature-invalid',
    show: (log) => log.shown({ recoveries: [signRecovery(generateIdentity(), log.recovery(2))] }),
  },
  { what: 'of another epoch', show: (log) => log.shown({ recoveries: [log.recovery(3)] }) },
  {
    what: 'of entries that it does not go on from',
    show: (log) => log.shown({ recoveries: [log.recovery(2, kept + 1)] }),
  },
  { what: 'that is not proven to stand in it', show: (log) => log.shown({ consistency: [] }) },
])('another log with a recovery $what is one that went back', async ({ show, code = 'log-forked' }) => {
  expect(await afterIt(show)).toEqual({
    ...{ survivors: others, refused: ['log-forked'], troubles: [code], wentBack: true, leaks: [] },
  })
})
