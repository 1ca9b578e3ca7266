/**
 * A coordinator that asks a site for shares of both of another's secrets: with too few confirmations, with those of other
 * survivors, with a second set before or after the release. Checks S5 and S6 end it.
 */
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Survivor } from '@consilium/protos/secagg/messages.ts'
import { confirmMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { survivorsHash } from '@consilium/protos/secagg/transcript.ts'
import { expect, test } from 'vitest'
import { type Attack, attackEachRound, refused, type Scene, shownTo, target } from '../../support/hostile/attacks.ts'
import { hostileFederation } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

type Quorum = Extract<ToSite, { type: 'quorum' }>
type Survivors = Extract<ToSite, { type: 'survivors' }>

const attacks: readonly Attack<'quorum'>[] = [
  {
    what: 'fewer confirmations than the threshold',
    code: 'quorum-invalid',
    lie: (quorum) => [{ ...quorum, confirmations: quorum.confirmations.slice(1) }],
  },
  {
    what: 'one confirmation under two names',
    code: 'quorum-invalid',
    lie: (quorum) => [
      {
        ...quorum,
        confirmations: quorum.confirmations.map(({ index }) => ({
          index,
          signature: quorum.confirmations[0]!.signature,
        })),
      },
    ],
  },
  {
    what: 'a confirmation of no survivor',
    code: 'quorum-invalid',
    lie: (quorum) => [
      { ...quorum, confirmations: [...quorum.confirmations.slice(0, 2), { ...quorum.confirmations[2]!, index: 5 }] },
    ],
  },
  {
    what: 'confirmations of other survivors by all other sites',
    code: 'quorum-invalid',
    lie: (quorum, at) => [quorumOver(quorum, withoutFirst(at), at)],
  },
  {
    what: 'confirmations of another log by all other sites',
    code: 'quorum-invalid',
    lie(quorum, at) {
      const { survivors, logHead } = toldSurvivors(at)
      return [quorumOver(quorum, { survivors, logHead: { ...logHead, root: 'c'.repeat(64) } }, at)]
    },
  },
  {
    what: 'other survivors, confirmed by all other sites, before the release',
    code: 'survivors-conflict',
    lie(quorum, at) {
      const other = withoutFirst(at)
      return [{ ...toldSurvivors(at), ...other }, quorumOver(quorum, other, at)]
    },
  },
  {
    what: 'other survivors, confirmed by all other sites, after the release',
    code: 'survivors-conflict',
    lie(quorum, at) {
      const other = withoutFirst(at)
      return [quorum, { ...toldSurvivors(at), ...other }, quorumOver(quorum, other, at)]
    },
  },
]

test('no quorum but one over the survivors that the site confirmed opens it, and the others finish', async () => {
  expect(await attackEachRound('quorum', attacks)).toEqual(refused(attacks))
})

const early: readonly Attack<'survivors'>[] = [
  {
    what: 'a quorum of all other sites before the site has confirmed',
    code: 'quorum-invalid',
    lie: (survivors, at) => [
      quorumOver({ type: 'quorum', planHash: survivors.planHash, confirmations: [] }, survivors, at),
    ],
  },
]

test('a site releases nothing for survivors that it has not confirmed itself', async () => {
  expect(await attackEachRound('survivors', early)).toEqual(refused(early))
})

test('a list that names a site twice never gets past the link', async () => {
  let lied = false
  await using federation = await hostileFederation({
    toSite({ site, message }, at) {
      if (lied || site !== target || message.type !== 'quorum' || at.planOf(message)?.purpose !== 'train')
        return [message]
      lied = true
      const [first, second] = message.confirmations
      return [{ ...message, confirmations: [first!, first!, second!] }]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('finished')
  expect(federation.agents.get(target)!.events).toContainEqual({
    type: 'link-down',
    reason: expect.stringMatching(/confirmations/),
  })
  expect(await leaks(federation)).toEqual([])
})

/** What the site was told in the phase before. */
function toldSurvivors({ federation, site }: Scene): Survivors {
  return federation.recorded.told.findLast((told) => told.site === site && told.message.type === 'survivors')!
    .message as Survivors
}

/** The survivors of the round but the first site, a set that is large enough. */
function withoutFirst(at: Scene): Pick<Survivors, 'survivors' | 'logHead'> {
  const { survivors, logHead } = toldSurvivors(at)
  return { survivors: survivors.slice(1), logHead }
}

/** Confirmations of these survivors and this log by every site but the one under attack. */
function quorumOver(
  quorum: Quorum,
  { survivors, logHead }: { readonly survivors: readonly Survivor[]; readonly logHead: LogHead },
  at: Scene,
): Quorum {
  const { sid, u2Hash } = shownTo(at)
  const message = confirmMessage(survivorsHash(sid, u2Hash, survivors), Buffer.from(logHead.root, 'hex'))
  const confirmations = ['basel', 'cleveland', 'hungary'].map((site, i) => ({
    index: i + 1,
    signature: signMessage(at.identity(site), message),
  }))
  return { ...quorum, confirmations }
}
