/**
 * A coordinator put back from an old copy of its log (fedsum, section E.6): sites give it its own signatures back, it runs
 * nothing and names what is missing, and its operator goes on from there without letting anybody in who was sent away.
 */
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { KnownHeads } from '@consilium/protos/control-messages.ts'
import { generateIdentity } from '@consilium/protos/identity.ts'
import { verifyConsistency } from '@consilium/protos/log/merkle.ts'
import { federationStream, signHead } from '@consilium/protos/log/signed-head.ts'
import { verifyRecovery } from '@consilium/protos/recovery.ts'
import { signRevocation } from '@consilium/protos/revocation.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { collect } from '../support/collect.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'
import { FakeSite } from '../support/fake-site.ts'

let fixture: CoordinatorFixture
beforeEach(async () => {
  fixture = await coordinatorFixture()
})
afterEach(() => fixture.stop())

const nothing: KnownHeads = { heads: [], revocations: [], rotations: [] }

/** All that the site was shown so far, the furthest head of each stream: what an agent keeps, and tells. */
function held({ heard }: FakeSite): KnownHeads {
  const heads = heard.flatMap((message) => (message.type === 'shown-head' ? [message.head] : []))
  const revocations = heard.flatMap((message) => (message.type === 'revoked' ? message.revocations : []))
  const rotations = heard.flatMap((message) => (message.type === 'coordinator-keys' ? message.rotations : []))
  return { heads: [...new Map(heads.map((head) => [head.stream, head])).values()], revocations, rotations }
}

const tell = (site: FakeSite, known: KnownHeads) => site.say({ type: 'known-heads', ...known })
const losses = async () => (await fixture.admin.showRecovery()).losses

/** Joined sites that told that they hold nothing yet, so that they are shown heads. */
async function listening(names?: readonly string[]): Promise<FakeSite[]> {
  const sites = await fixture.sites(names)
  for (const site of sites) {
    tell(site, nothing)
    await site.until(({ heard }) => heard.some(({ type }) => type === 'shown-head'))
  }
  return sites
}

const shown = ({ heard }: FakeSite) => heard.filter(({ type }) => type === 'shown-head').length

/** Resolves once the site was shown the federation's log as it is. */
async function upToDate(site: FakeSite): Promise<void> {
  const { size } = await fixture.admin.signedHead(federationStream)
  await site.until(({ heard }) => heard.some((message) => message.type === 'shown-head' && message.head.size === size))
}

/** The site attends, tells what it holds, and the coordinator has taken it: it shows where its log stands. */
async function attend(site: FakeSite, known = held(site)): Promise<void> {
  site.attend()
  const before = shown(site)
  tell(site, known)
  await site.until(() => shown(site) > before)
}

const refused = { code: 'coordinator-restored' }
const entries = (stream: string = federationStream) => collect(fixture.admin.readLog(stream))
const sitesNow = async () => new Map((await fixture.admin.listSites()).map(({ name, state }) => [name, state]))
const ended = ({ endings }: FakeSite) => endings.at(-1)?.code

/** A run of the study that is lost once the copy of before is put back; what each site holds then. */
async function lostRun(sites: readonly FakeSite[]): Promise<{ readonly run: string; readonly known: KnownHeads[] }> {
  const { run } = await fixture.startRun({ rounds: 1, standardisation: 'none' })
  await fixture.runWhere(run, hasEnded)
  for (const site of sites) await upToDate(site)
  return { run, known: sites.map(held) }
}

describe('an old copy of the log', () => {
  test('is found out by one site that holds more, says what is missing, and runs nothing', async () => {
    const sites = await listening()
    const copy = await fixture.backUp()
    const { run, known } = await lostRun(sites)
    await fixture.putBack(copy)
    expect((await fixture.admin.showRecovery()).losses).toEqual([])
    await attend(sites[0]!, known[0])
    expect((await losses()).map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^federation has \d+ entries here, basel holds this coordinator's signature on \d+ \(2026-/,
      ),
      expect.stringMatching(new RegExp(`^run/${run} has 0 entries here, basel holds`)),
    ])
    await expect(fixture.admin.startRun('heart')).rejects.toMatchObject(refused)
    await expect(fixture.admin.addSite('geneva', 60)).rejects.toMatchObject(refused)
    await expect(fixture.admin.rotateKey()).rejects.toMatchObject(refused)
    await expect(fixture.createStudy()).rejects.toMatchObject(refused)
    await expect(fixture.service.renew(sites[0]!.caller, Buffer.from('r'))).rejects.toMatchObject(refused)
    // It is no less so after a restart, before anybody attends.
    await fixture.restart()
    await expect(fixture.createStudy()).rejects.toMatchObject(refused)
  })

  test('in which a run goes on asks no site to work, whoever attends', async () => {
    const sites = await listening()
    const last = sites.at(-1)!
    const { hash } = await fixture.createStudy({ rounds: 1, standardisation: 'none' })
    await fixture.studyWhere(hash, ({ decisions }) => decisions.length === sites.length)
    last.leave()
    const { run } = await fixture.admin.startRun(hash)
    const copy = await fixture.backUp()
    last.attend()
    await fixture.runWhere(run, hasEnded)
    await upToDate(sites[0]!)
    const known = held(sites[0]!)
    await fixture.putBack(copy)
    await attend(sites[0]!, known)
    const told = sites.map(({ heard }) => heard.length)
    for (const site of sites.slice(1)) await attend(site, nothing)
    await fixture.pass(60_000)
    const since = sites.flatMap(({ heard }, i) => heard.slice(told[i]).map(({ type }) => type))
    expect(since).not.toContain('assignment')
    expect((await entries(`run/${run}`)).map(({ type }) => type)).not.toContain('cohort-selected')
    expect(await fixture.admin.showRecovery()).toMatchObject({ openRuns: [run] })
  })

  test('does not forget a revocation that any site has proof of, before and after it is recovered', async () => {
    const [basel, , , zurich] = (await listening()) as [FakeSite, FakeSite, FakeSite, FakeSite]
    const copy = await fixture.backUp()
    await fixture.admin.revokeSite('zurich', 'left')
    await upToDate(basel)
    const known = held(basel)
    expect(known.revocations).toMatchObject([{ site: 'zurich', epoch: 1 }])
    await fixture.putBack(copy)
    // Control: as long as nobody has told, the old copy lets it in.
    await attend(zurich, nothing)
    expect(await sitesNow()).toContainEqual(['zurich', 'enrolled'])
    await attend(basel, known)
    expect(ended(zurich)).toBe('certificate-revoked')
    expect(() => fixture.service.checkCaller(zurich.caller)).toThrow(
      expect.objectContaining({ code: 'certificate-revoked' }),
    )
    expect(await fixture.admin.showRecovery()).toMatchObject({ revoked: ['zurich'] })
    await fixture.admin.recover([])
    expect(await sitesNow()).toEqual(
      new Map([...['basel', 'cleveland', 'hungary'].map((name) => [name, 'enrolled'] as const), ['zurich', 'revoked']]),
    )
    expect((await entries()).findLast(({ type }) => type === 'site-revoked')?.body).toMatchObject({
      site: 'zurich',
      proven: { epoch: 1, at: known.revocations[0]!.at },
    })
  })

  test('takes a revocation over that is proven only after it was recovered, but not against who joined since', async () => {
    const [basel, cleveland, hungary] = (await listening()) as [FakeSite, FakeSite, FakeSite]
    const copy = await fixture.backUp()
    await fixture.admin.revokeSite('zurich', 'left')
    await fixture.admin.revokeSite('hungary', 'left')
    await upToDate(basel)
    const [withProof, without] = [held(basel), { ...held(cleveland), revocations: [] }]
    await fixture.putBack(copy)
    await attend(cleveland, without)
    await fixture.admin.recover([])
    expect(await sitesNow()).toContainEqual(['zurich', 'enrolled'])
    // Hungary is sent away by hand, as the runbook says, and comes back under the identity that it had.
    await fixture.admin.revokeSite('hungary', 'as before')
    await hungary.join((await fixture.admin.addSite('hungary', 60)).joinCode)
    await attend(basel, withProof)
    expect(await sitesNow()).toEqual(
      new Map([
        ['basel', 'enrolled'],
        ['cleveland', 'enrolled'],
        ['hungary', 'enrolled'],
        ['zurich', 'revoked'],
      ]),
    )
    expect(await losses()).toEqual([])
  })

  test('takes no join code that may have been used since', async () => {
    const [basel] = (await listening(['basel'])) as [FakeSite]
    const { joinCode } = await fixture.admin.addSite('geneva', 60)
    const copy = await fixture.backUp()
    await upToDate(basel)
    const geneva = await FakeSite.joinWith(fixture, 'geneva', 1, joinCode)
    await upToDate(basel)
    const known = held(basel)
    await fixture.putBack(copy)
    await attend(basel, known)
    await expect(geneva.join(joinCode)).rejects.toMatchObject(refused)
    expect(await fixture.admin.showRecovery()).toMatchObject({ invited: ['geneva'] })
    await fixture.admin.recover([])
    await expect(geneva.join(joinCode)).rejects.toMatchObject({ code: 'join-code-expired' })
    await geneva.join((await fixture.admin.addSite('geneva', 60)).joinCode)
    expect(await sitesNow()).toContainEqual(['geneva', 'enrolled'])
  })

  test('that is recovered runs again, under names that no lost run had, and tells of those that they are over', async () => {
    const sites = await listening()
    const { hash } = await fixture.createStudy({ rounds: 1, standardisation: 'none' })
    await fixture.studyWhere(hash, ({ decisions }) => decisions.length === sites.length)
    const copy = await fixture.backUp()
    const lost = await lostRun(sites)
    await fixture.putBack(copy)
    for (const [i, site] of sites.entries()) await attend(site, lost.known[i])
    const view = await fixture.admin.recover([])
    expect(view).toMatchObject({ epoch: 2, losses: [], lostRuns: [lost.run] })
    const { run } = await fixture.admin.startRun(hash)
    expect([lost.run, run]).toEqual(['heart-disease-1', 'heart-disease-r2-1'])
    expect(await fixture.runWhere(run, hasEnded)).toMatchObject({ state: 'finished' })
    for (const { heard } of sites)
      expect(heard).toContainEqual(expect.objectContaining({ type: 'run-over', run: lost.run, outcome: 'failed' }))

    const entry = (await entries()).find(({ type }) => type === 'coordinator-recovered')!
    const { epoch, size, root } = entry.body as { epoch: number; size: number; root: string }
    const said = { epoch, size, root, at: entry.at, signature: Buffer.from(String(entry.body.signature), 'base64') }
    expect(size).toBe(entry.seq)
    expect(verifyRecovery(fixture.identity.publicKey, said)).toBe(true)
    expect(verifyRecovery(fixture.identity.publicKey, { ...said, epoch: 3 })).toBe(false)
    const shownLast = sites[0]!.heard.findLast(
      (message) => message.type === 'shown-head' && message.head.stream === federationStream,
    )
    expect(shownLast).toMatchObject({ head: { epoch: 2 }, recoveries: [{ epoch: 2, size }] })
    // Told that what it holds is lost, the coordinator proves that its log goes on from where the recovery says.
    await attend(sites[0]!, lost.known[0])
    const { head, consistency } = sites[0]!.heard.findLast(
      (message) => message.type === 'shown-head' && message.head.stream === federationStream,
    ) as ToSite & { type: 'shown-head' }
    const inBytes = (of: { size: number; root: string }) => ({ size: of.size, root: Buffer.from(of.root, 'hex') })
    expect(verifyConsistency(inBytes({ size, root }), inBytes(head), consistency)).toBe(true)
  })

  test('from before a recovery is found out too, and the next recovery begins a later epoch', async () => {
    const [basel] = (await listening(['basel'])) as [FakeSite]
    const copy = await fixture.backUp()
    await fixture.createStudy()
    await upToDate(basel)
    const first = held(basel)
    await fixture.putBack(copy)
    await attend(basel, first)
    await fixture.admin.recover([])
    await upToDate(basel)
    const second = held(basel)
    expect(second.heads).toMatchObject([{ epoch: 2 }])
    await fixture.putBack(copy)
    await attend(basel, second)
    expect(await fixture.admin.recover([])).toMatchObject({ epoch: 3 })
  })

  test('does not know a certificate that was renewed since: its operator lets the site in by name', async () => {
    const [basel, zurich] = (await listening(['basel', 'zurich'])) as [FakeSite, FakeSite]
    const copy = await fixture.backUp()
    for (const site of [basel, zurich]) {
      const pem = await fixture.service.renew(site.caller, Buffer.from('request'))
      site.caller = { ...site.caller, serial: pem.split(' ')[1]!, issuedAt: fixture.clock.now() }
    }
    await fixture.putBack(copy)
    fixture.clock.advance(1000)
    for (const { caller } of [basel, zurich]) {
      expect(() => fixture.service.checkCaller(caller)).toThrow(expect.objectContaining(refused))
      expect(() => fixture.service.checkCaller(caller)).toThrow(expect.objectContaining(refused))
    }
    await expect(fixture.admin.recover(['geneva'])).rejects.toMatchObject({ code: 'invalid-argument' })
    expect(await losses()).toMatchObject([{ by: 'basel', what: 'certificate' }, { by: 'zurich' }])
    expect(await fixture.admin.recover(['basel'])).toMatchObject({ losses: [] })
    expect(() => fixture.service.checkCaller(basel.caller)).not.toThrow()
    // The other one stays out, and proves nothing more by trying.
    expect(() => fixture.service.checkCaller(zurich.caller)).toThrow(expect.objectContaining(refused))
    expect(await losses()).toEqual([])
    await fixture.createStudy()
  })
})

describe('nothing is stopped', () => {
  test('by a claim that is not signed by this coordinator, and nothing of the message counts', async () => {
    const [basel] = (await listening(['basel'])) as [FakeSite]
    const [head] = held(basel).heads
    const stranger = generateIdentity()
    const ahead = { ...head!, size: head!.size + 10, root: 'ab'.repeat(32) }
    const revoked = { site: 'basel', publicKey: basel.identity.publicKey, epoch: 1, at: head!.at }
    const lies: KnownHeads[] = [
      { ...nothing, heads: [ahead] },
      { ...nothing, heads: [{ ...head!, epoch: 2 }] },
      { ...nothing, heads: [{ ...head!, stream: 'run/heart-1' }] },
      { ...nothing, heads: [signHead(stranger, ahead)] },
      { ...nothing, revocations: [signRevocation(stranger, revoked)] },
    ]
    for (const lie of lies) tell(basel, lie)
    await attend(basel, { ...nothing, heads: [head!] })
    expect(await losses()).toEqual([])
    expect(() => fixture.service.checkCaller(basel.caller)).not.toThrow()
    await fixture.createStudy()
    // Control: the same, signed by the coordinator, stops everything.
    tell(basel, { ...nothing, heads: [signHead(fixture.identity, ahead)] })
    await attend(basel, nothing)
    expect(await losses()).toMatchObject([{ what: 'entries' }])
  })

  test('by what a whole log holds, however old it is', async () => {
    const [basel] = (await listening(['basel'])) as [FakeSite]
    const old = held(basel)
    await fixture.admin.addSite('geneva', 60)
    await fixture.admin.revokeSite('geneva', 'no')
    await attend(basel, old)
    expect(await losses()).toEqual([])
  })
})

test('a coordinator that was not restored is told so, and one that is recovered twice: nothing changes', async () => {
  const [basel] = (await listening(['basel'])) as [FakeSite]
  const copy = await fixture.backUp()
  await fixture.createStudy()
  await upToDate(basel)
  const known = held(basel)
  const before = await entries()
  await expect(fixture.admin.recover([])).rejects.toMatchObject({ code: 'not-restored', message: /Nothing is changed/ })
  expect(await entries()).toEqual(before)
  await fixture.putBack(copy)
  await attend(basel, known)
  await fixture.admin.recover([])
  const after = await entries()
  await expect(fixture.admin.recover([])).rejects.toMatchObject({
    code: 'not-restored',
    message: expect.stringMatching(/it was recovered on .* as epoch 2/),
  })
  expect(await entries()).toEqual(after)
})
