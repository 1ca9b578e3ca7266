/**
 * What a site keeps of its coordinator's own signatures and gives back (fedsum, section E.6); a coordinator that shows an
 * older log than before; and one that was recovered from an old copy.
 */
import { generateIdentity } from '@consilium/protos/identity.ts'
import { signRotation } from '@consilium/protos/key-rotation.ts'
import { leafHash, openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { federationStream, type SignedHead, signHead } from '@consilium/protos/log/signed-head.ts'
import { type Recovery, signRecovery } from '@consilium/protos/recovery.ts'
import { signRevocation } from '@consilium/protos/revocation.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keepRotations } from '../../site-agent/coordinator-log.ts'
import { refusalAt } from '../support/refusal.ts'
import { secureRound } from '../support/secure-round.ts'
import { coordinator, openSite, type SiteFixture } from '../support/site-fixture.ts'

let site: SiteFixture
beforeEach(() => {
  site = openSite()
})
afterEach(() => site.close())

const at = '2026-11-22T10:00:00.000Z'

/** As the store gives it back: without Buffers. */
function plain<Signed extends { readonly signature: Uint8Array }>(signed: Signed): Signed {
  return { ...signed, signature: Uint8Array.from(signed.signature) }
}

/** A log that has another history from its `branch`-th entry on, `name` being different. */
function log(name: string, branch = 0) {
  const tree = openMerkleTree()
  for (let i = 0; i < 100; i++) tree.append(leafHash(Buffer.from(i < branch ? `entry ${i}` : `${name} ${i}`)))
  const root = (size: number) => Buffer.from(tree.root(size)).toString('hex')
  return {
    head: (size: number, epoch = 1, signer = coordinator): SignedHead =>
      plain(signHead(signer, { stream: federationStream, epoch, size, root: root(size), at })),
    recovery: (epoch: number, size: number, signer = coordinator): Recovery =>
      signRecovery(signer, { epoch, size, root: root(size), at }),
    from: (oldSize: number, newSize: number) => tree.consistency(oldSize, newSize),
  }
}

const first = log('first')

function show(head: SignedHead, consistency: readonly Uint8Array[] = [], recoveries: readonly Recovery[] = []): void {
  site.coordinator.say({ type: 'shown-head', head, consistency, recoveries })
}

const kept = () => site.store.coordinatorLog.head(federationStream)
const troubles = () => site.events.flatMap((event) => (event.type === 'trouble' ? [event.code] : []))
const told = () => {
  site.coordinator.reconnect()
  return site.coordinator.sent.findLast((message) => message.type === 'known-heads')
}

describe('the heads of the log', () => {
  test('are kept as they grow, and told on every stream with what else the coordinator signed', () => {
    expect(told()).toEqual({ type: 'known-heads', heads: [], revocations: [], rotations: [] })
    show(first.head(40))
    show(first.head(57), first.from(40, 57))
    const run = plain(signHead(coordinator, { ...first.head(9), stream: 'run/heart-1' }))
    show(run)
    show(signHead(coordinator, { ...first.head(3), stream: 'run/heart-1' }))
    const publicKey = new Uint8Array(32).fill(7)
    const revoked = plain(signRevocation(coordinator, { site: 'basel', publicKey, epoch: 1, at }))
    site.coordinator.say({ type: 'revoked', revocations: [revoked] })
    const next = generateIdentity()
    const rotation = signRotation(coordinator, next)
    keepRotations([rotation], site.site)
    site.restart()
    const { heads, revocations, rotations } = told()!
    expect([heads, revocations]).toEqual([[first.head(57), run], [revoked]])
    expect(rotations.map(({ newPublicKey }) => newPublicKey)).toEqual([next.publicKey])
    expect(troubles()).toEqual([])
  })

  test('that the coordinator did not sign change nothing, nor revocations', () => {
    show(first.head(40))
    const stranger = generateIdentity()
    show(first.head(57, 1, stranger), first.from(40, 57))
    show({ ...first.head(57), size: 58 })
    show({ ...first.head(57), stream: 'run/heart-1' })
    const revoked = signRevocation(stranger, { site: 'basel', publicKey: stranger.publicKey, epoch: 1, at })
    site.coordinator.say({ type: 'revoked', revocations: [revoked] })
    expect(troubles()).toEqual(Array(4).fill('signature-invalid'))
    expect(told()).toMatchObject({ heads: [first.head(40)], revocations: [] })
  })
})

describe('a coordinator whose log goes back without a word', () => {
  const other = log('other', 40)
  test.for([
    { what: 'shorter', shown: () => show(first.head(45)) },
    { what: 'another of the same length', shown: () => show(other.head(57)) },
    { what: 'longer, and another', shown: () => show(other.head(60), other.from(57, 60)) },
    { what: 'longer, and unproven', shown: () => show(first.head(60)) },
  ])('$what: no plan is taken up, until it shows what it had signed', async ({ shown }) => {
    show(first.head(57))
    shown()
    shown()
    expect(kept()).toEqual(first.head(57))
    expect(site.events.filter(({ type }) => type === 'coordinator-went-back')).toHaveLength(1)
    const round = secureRound(site)
    site.coordinator.say({ type: 'assignment', plan: round.signed })
    expect(await refusalAt(site)).toMatchObject({ code: 'log-forked', reason: /^the coordinator's log went back/ })
    show(first.head(60), first.from(57, 60))
    expect(site.store.coordinatorLog.wentBack()).toBeUndefined()
    site.coordinator.say({ type: 'assignment', plan: secureRound(site, { run: 'heart-2' }).signed })
    await site.coordinator.until(() => site.trainer.calls.find((call) => call === 'train'))
  })
})

describe('a coordinator that was recovered from an old copy', () => {
  const second = log('second', 40)
  const recovered = [second.recovery(2, 42)]
  const recover = () => show(second.head(50, 2), second.from(42, 50), recovered)
  const go = (run: string) => site.coordinator.say({ type: 'assignment', plan: secureRound(site, { run }).signed })
  const works = () => site.coordinator.until(() => site.trainer.calls.find((call) => call === 'train'))

  test('has this site in no round until a person goes along; what this site knew stays', async () => {
    const old = secureRound(site)
    site.coordinator.say({ type: 'assignment', plan: old.signed })
    await works()
    const heads = site.store.heads.find('heart-1')
    show(first.head(57))
    recover()
    show(second.head(51, 2), second.from(50, 51), recovered)
    expect(kept()).toEqual(second.head(51, 2))
    expect(site.events.filter(({ type }) => type === 'coordinator-recovered')).toHaveLength(1)
    go('heart-2')
    expect(await refusalAt(site)).toMatchObject({ code: 'recovery-refused', reason: /restored from an old copy/ })
    site.store.coordinatorLog.accept('person', 'it')
    show(second.head(52, 2), second.from(51, 52), recovered)
    expect(kept()).toEqual(second.head(52, 2))
    go('heart-3')
    await site.coordinator.until(() => site.store.journal.findRound('heart-3', 1, 'train'))
    expect(site.store.heads.find('heart-1')).toEqual(heads)
    expect(site.store.journal.findRound('heart-1', 1, 'train')).toBeDefined()
    expect(site.store.coordinatorLog.recoveries()).toMatchObject([
      { epoch: 2, size: 42, knownSize: 57, accepted: { by: 'person', account: 'it' } },
    ])
  })

  test('has it where the policy goes along, and that is counted', () => {
    show(first.head(57))
    site.policy.recovery = { accept: true }
    recover()
    expect(kept()).toEqual(second.head(50, 2))
    expect(site.store.coordinatorLog.recoveries()).toMatchObject([{ epoch: 2, accepted: { by: 'policy' } }])
  })

  test('has it by a person alone where it offers whom it had revoked, until that ends', async () => {
    show(first.head(57))
    site.policy.recovery = { accept: true }
    const publicKey = generateIdentity().publicKey
    site.coordinator.say({
      type: 'revoked',
      revocations: [signRevocation(coordinator, { site: 'basel', publicKey, epoch: 1, at })],
    })
    site.store.roster.offered([{ site: 'basel', publicKey }])
    recover()
    go('heart-2')
    expect(await refusalAt(site)).toMatchObject({ code: 'recovery-refused', reason: /it offers basel again/ })
    expect(site.store.coordinatorLog.recoveries()).toEqual([
      expect.not.objectContaining({ accepted: expect.anything() }),
    ])
    site.store.roster.offered([])
    go('heart-3')
    await works()
    expect(site.store.coordinatorLog.recoveries()).toMatchObject([{ accepted: { by: 'policy' } }])
  })

  test('has it where nothing that it knew was lost', () => {
    show(second.head(38))
    show(second.head(50, 2), second.from(38, 50), recovered)
    expect(kept()).toEqual(second.head(50, 2))
    expect(site.store.coordinatorLog.recoveries()).toMatchObject([{ epoch: 2, accepted: { by: 'extended' } }])
  })

  test.for([
    {
      what: 'says so without a signature',
      recoveries: [second.recovery(2, 42, generateIdentity())],
      code: 'signature-invalid',
    },
    { what: 'does not say so', recoveries: [] },
    { what: 'says so of another epoch', recoveries: [second.recovery(3, 42)] },
    { what: 'says so twice of one epoch', recoveries: [second.recovery(2, 41), second.recovery(2, 42)] },
    {
      what: 'says so of a log that became shorter',
      epoch: 3,
      recoveries: [second.recovery(2, 43), second.recovery(3, 42)],
    },
    { what: 'shows a log that does not go on from there', recoveries: [first.recovery(2, 42)] },
    { what: 'shows no proof that it does', recoveries: recovered, consistency: [] },
    { what: 'shows a log that ends there', recoveries: [second.recovery(2, 50)], consistency: [] },
    {
      what: 'says so of entries from before what this site knew, which it has',
      recoveries: recovered,
      known: second.head(43),
      consistency: second.from(43, 50),
    },
  ])(
    'has it not where it $what',
    async ({
      recoveries,
      known = first.head(57),
      epoch = 2,
      code = 'log-forked',
      consistency = second.from(42, 50),
    }) => {
      show(known)
      site.policy.recovery = { accept: true }
      show(second.head(50, epoch), consistency, recoveries)
      expect(kept()).toEqual(known)
      expect(troubles()).toEqual([code])
      expect(site.store.coordinatorLog.recoveries()).toEqual([])
      go('heart-2')
      expect(await refusalAt(site)).toMatchObject({ code: 'log-forked' })
    },
  )

  test('is taken though a recovery between was lost as well', () => {
    show(first.head(57))
    site.policy.recovery = { accept: true }
    show(second.head(50, 3), second.from(42, 50), [second.recovery(3, 42)])
    expect(kept()).toEqual(second.head(50, 3))
  })

  test('and goes back to before that is found out', () => {
    recover()
    show(second.head(60))
    expect(site.store.coordinatorLog.wentBack()).toMatchObject({ shownSize: 60, knownSize: 50 })
  })
})
