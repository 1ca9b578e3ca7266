/** A coordinator that names survivors as it likes, or different ones to different sites: check S5 ends it. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { type RoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { inputMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { expect, test } from 'vitest'
import {
  type Attack,
  attackEachRound,
  droppedIn,
  gatherRefusals,
  refusalsOf,
  refused,
  type Scene,
  shownTo,
} from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { solve } from '../../support/hostile/solver.ts'

type Survivors = Extract<ToSite, { type: 'survivors' }>

const attacks: readonly Attack<'survivors'>[] = [
  {
    what: 'fewer than a sum must have',
    code: 'survivors-invalid',
    lie: (message) => [{ ...message, survivors: message.survivors.slice(2) }],
  },
  {
    what: 'the site itself alone',
    code: 'survivors-invalid',
    lie: (message) => [{ ...message, survivors: message.survivors.slice(3) }],
  },
  {
    what: 'the others without the site',
    code: 'survivors-invalid',
    lie: (message) => [{ ...message, survivors: message.survivors.slice(0, 3) }],
  },
  {
    what: 'another upload of the site, signed with its own identity',
    code: 'survivors-invalid',
    lie: (message, at) => [withRoot(message, 4, at)],
  },
  {
    what: 'another upload of a peer, signed by nobody',
    code: 'survivors-invalid',
    lie: (message) => [change(message, 2, { root: new Uint8Array(32) })],
  },
  {
    what: 'a header with a signature of another',
    code: 'survivors-invalid',
    lie: (message) => [change(message, 2, { signature: message.survivors[2]!.signature })],
  },
  {
    what: 'a colluding site that is not of the cohort',
    code: 'survivors-invalid',
    lie: (message) => [{ ...message, survivors: [...message.survivors, { ...message.survivors[0]!, index: 5 }] }],
  },
  {
    what: 'other survivors after the first',
    code: 'survivors-conflict',
    lie: (message) => [message, { ...message, survivors: message.survivors.slice(1) }],
  },
  {
    what: 'another upload of a colluding site after the first',
    code: 'survivors-conflict',
    lie: (message, at) => [message, withRoot(message, 2, at)],
  },
  {
    what: 'the same survivors with another log',
    code: 'survivors-conflict',
    lie: (message) => [message, { ...message, logHead: { ...message.logHead, root: 'c'.repeat(64) } }],
  },
  {
    what: 'other sharers once the site has uploaded',
    code: 'shares-invalid',
    lie: (_, at) => [withoutSharer(2, at)],
  },
  {
    what: 'a second plan for the round once the site has uploaded',
    code: 'already-uploaded',
    lie(message, { federation, plan, site }) {
      const other = (of: RoundPlan) => ({ ...of, secure: { ...of.secure!, colluders: 2 } })
      return [message, federation.forgeBeside(site, signRoundPlan(plan, federation.identity), other)]
    },
  },
  {
    what: 'a head of another log',
    code: 'log-forked',
    lie: (message) => [{ ...message, logHead: { ...message.logHead, root: 'c'.repeat(64) } }],
  },
  {
    what: 'a head from before the plan',
    code: 'log-forked',
    lie: (message, { plan }) => [{ ...message, logHead: { ...plan.logHead, size: plan.logHead.size - 1 } }],
  },
]

test('survivors that the site cannot have are refused, and the others finish', async () => {
  expect(await attackEachRound('survivors', attacks)).toEqual(refused(attacks))
})

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

test('a site said to have dropped out once its upload is here stays behind its self mask', async () => {
  await using federation = await hostileFederation({
    takesUpload: (site, { purpose }) => site === 'zurich' && purpose === 'train',
  })
  const run = await federation.start()
  const upload = await federation.until(() => federation.recorded.uploads.find(({ site }) => site === 'zurich'))
  await federation.until(() => upload.bytes.length > 0)
  federation.hear('zurich', { type: 'refusal', planHash: upload.planHash, code: 'data-not-ready' })
  expect((await federation.ended(run)).state).toBe('finished')
  const { secrets } = solve(federation.recorded)
  expect(secrets.flatMap(({ plan, site, kind }) => (plan === upload.planHash ? [`${kind} of ${site}`] : []))).toEqual([
    'b of basel',
    'b of cleveland',
    'b of hungary',
    's of zurich',
  ])
  expect(await leaks(federation)).toEqual([])
})

function change(message: Survivors, index: number, changes: Partial<Survivors['survivors'][number]>): Survivors {
  const survivors = message.survivors.map((survivor) =>
    survivor.index === index ? { ...survivor, ...changes } : survivor,
  )
  return { ...message, survivors }
}

/** The shares that the site was told, as if one sharer had not been. */
function withoutSharer(index: number, { federation: { recorded }, site }: Scene): ToSite {
  const told = recorded.told.findLast((one) => one.site === site && one.message.type === 'shares')!
  const { sharers, received, ...shares } = told.message as Extract<ToSite, { type: 'shares' }>
  const isOther = (one: { readonly index: number }) => one.index !== index
  return { ...shares, sharers: sharers.filter(isOther), received: received.filter(isOther) }
}

/** Another upload of this site in the place of its own, as the site itself would sign it. */
function withRoot(message: Survivors, index: number, at: Scene): Survivors {
  const { sid, u2Hash } = shownTo(at)
  const root = new Uint8Array(32).fill(1)
  const signature = signMessage(at.identity(at.plan.cohort[index - 1]!), inputMessage(sid, u2Hash, index, root))
  return change(message, index, { root, signature })
}
