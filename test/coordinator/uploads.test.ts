/**
 * Uploads: what should happen: one update a site and round, gone on with after any cut, also of the coordinator. What
 * should not: bytes sent again, a second or foreign update, a late one that changes the round.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { describe, expect, test } from 'vitest'
import { collect } from '../support/collect.ts'
import { coordinatorFixture, hasEnded, iterate, sealed as sealedStudy } from '../support/coordinator-fixture.ts'

const modes = { secure: {}, sealed: sealedStudy }
type Mode = keyof typeof modes

/** A masked update of these small rounds has 88 bytes. */
const chunkBytes = 40

/** A run in which everybody but basel has uploaded; basel is asked and waits for the test. */
async function waitingForBasel(mode: Mode) {
  const fixture = await coordinatorFixture()
  const [basel, ...others] = await fixture.sites()
  basel!.uploads = false
  basel!.chunkBytes = chunkBytes
  const { run } = await fixture.startRun({ ...modes[mode], standardisation: 'none', rounds: 1 })
  const asked = await basel!.until(({ heard }) =>
    heard.find((message) => message.type === 'collect-updates' || message.type === 'shares'),
  )
  await fixture.runWhere(run, ({ current }) => current?.sites.filter(({ state }) => state === 'uploaded').length === 3)
  const sealed = basel!.outbox.get(asked.planHash)!
  const header = basel!.header(asked.planHash)
  return { fixture, basel: basel!, others, run, plan: asked.planHash, sealed, header }
}

describe.for(['secure', 'sealed'] as const)('in a %s round', (mode) => {
  test('an upload cut anywhere goes on where it was, and no byte is sent twice', async () => {
    const { fixture, basel, run, plan, sealed } = await waitingForBasel(mode)
    for (const chunks of [0, 1, 0]) {
      await expect(basel.upload(plan, chunks)).rejects.toMatchObject({ code: 'link-down' })
    }
    expect(await fixture.service.uploadOffset(basel.caller, plan)).toEqual({ offset: chunkBytes, complete: false })
    expect(await basel.upload(plan)).toEqual({ size: sealed.length })
    expect(basel.sentBytes).toBe(sealed.length)
    basel.uploads = true
    expect((await fixture.runWhere(run, hasEnded)).state).toBe('finished')
  })

  test('an upload goes on after the coordinator was killed', async () => {
    const { fixture, basel, others, run, plan, sealed } = await waitingForBasel(mode)
    await expect(basel.upload(plan, 2)).rejects.toMatchObject({ code: 'link-down' })
    await fixture.restart()
    for (const site of [basel, ...others]) site.attend()
    expect(await fixture.service.uploadOffset(basel.caller, plan)).toEqual({ offset: 2 * chunkBytes, complete: false })
    basel.uploads = true
    await basel.upload(plan)
    // The chunk on its way when the link broke is the only one that may be sent again.
    expect(basel.sentBytes).toBeLessThanOrEqual(sealed.length + chunkBytes)
    expect((await fixture.runWhere(run, hasEnded)).state).toBe('finished')
  })

  test('an update complete on disk but not in the log when the coordinator was killed is not sent again', async () => {
    const { fixture, basel, others, run, plan, sealed, header } = await waitingForBasel(mode)
    // The announcement gets into the log; the event of the arrival does not.
    const chunks = async function* () {
      for await (const chunk of basel.chunks(sealed, 0, Number.POSITIVE_INFINITY)) {
        void fixture.killAfter(1)
        yield chunk
      }
    }
    await fixture.service.upload(basel.caller, header, chunks()).catch(() => undefined)
    const sent = basel.sentBytes
    basel.uploads = true
    await fixture.restart()
    for (const site of [basel, ...others]) site.attend()
    expect(await fixture.service.uploadOffset(basel.caller, plan)).toMatchObject({ complete: true })
    expect((await fixture.runWhere(run, hasEnded)).state).toBe('finished')
    expect(sent).toBe(sealed.length)
  })

  test.for([
    ['at another offset', { offset: 7 }, 'offset-mismatch'],
    ['larger than any update to this round', { size: 10_000_000 }, 'limit-exceeded'],
    ['of nothing', { size: 0 }, 'limit-exceeded'],
    ['for another plan', { planHash: 'f'.repeat(64) }, 'stale-round'],
  ] as const)('an upload %s is refused', async ([, changes, code]) => {
    const { fixture, basel, sealed, header } = await waitingForBasel(mode)
    const upload = fixture.service.upload(basel.caller, { ...header, ...changes }, iterate([sealed]))
    await expect(upload).rejects.toMatchObject({ code })
  })

  test('more bytes than announced, or others, are refused, and the right ones still taken', async () => {
    const { fixture, basel, run, plan, sealed, header } = await waitingForBasel(mode)
    const longer = Buffer.concat([sealed, Buffer.alloc(1)])
    await expect(fixture.service.upload(basel.caller, header, iterate([longer]))).rejects.toMatchObject({
      code: 'limit-exceeded',
    })
    const others = Buffer.alloc(sealed.length, 1)
    await expect(fixture.service.upload(basel.caller, header, iterate([others]))).rejects.toMatchObject({
      code: 'hash-mismatch',
    })
    await basel.upload(plan)
    basel.uploads = true
    expect((await fixture.runWhere(run, hasEnded)).rounds[0]!.survivors).toHaveLength(4)
  })

  test('a second, different update of a site in a round is refused', async () => {
    const { fixture, basel, plan, header } = await waitingForBasel(mode)
    await expect(basel.upload(plan, 1)).rejects.toMatchObject({ code: 'link-down' })
    const second = { ...header, sha256: 'e'.repeat(64) }
    await expect(fixture.service.upload(basel.caller, second, iterate([]))).rejects.toMatchObject({
      code: 'update-invalid',
    })
  })

  test('an update already here is answered without its bytes', async () => {
    const { fixture, others, plan } = await waitingForBasel(mode)
    const site = others[0]!
    const sealed = site.outbox.get(plan)!
    const header = { ...site.header(plan), offset: sealed.length }
    const before = (await collect(fixture.eventLog.read('run/heart-disease-1'))).length
    expect(await fixture.service.upload(site.caller, header, iterate([]))).toEqual({ size: sealed.length })
    expect(await fixture.service.uploadOffset(site.caller, plan)).toEqual({ offset: sealed.length, complete: true })
    expect(await collect(fixture.eventLog.read('run/heart-disease-1'))).toHaveLength(before)
  })

  test('the newest call takes over an upload from one on a dead link', async () => {
    const { fixture, basel, run, plan, sealed, header } = await waitingForBasel(mode)
    const [staged, dead] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const chunks = async function* () {
      yield sealed.subarray(0, chunkBytes)
      staged.resolve()
      await dead.promise
      yield sealed.subarray(chunkBytes)
    }
    const older = fixture.service.upload(basel.caller, header, chunks())
    await staged.promise
    expect(await fixture.service.uploadOffset(basel.caller, plan)).toEqual({ offset: chunkBytes, complete: false })
    dead.resolve()
    await expect(older).rejects.toMatchObject({ code: 'stale-round' })
    basel.uploads = true
    await basel.upload(plan)
    expect((await fixture.runWhere(run, hasEnded)).rounds[0]!.survivors).toContain('basel')
  })

  test('an upload after its site was dropped is refused and recorded once; the round goes on', async () => {
    const { fixture, basel, run, plan, header, sealed } = await waitingForBasel(mode)
    basel.uploads = true
    const committed = fixture.runWhere(run, ({ rounds }) => rounds.length > 0)
    await fixture.pass(300_000)
    await committed
    await expect(fixture.service.upload(basel.caller, header, iterate([sealed]))).rejects.toMatchObject({
      code: 'stale-round',
    })
    const view = await fixture.runWhere(run, hasEnded)
    expect(view).toMatchObject({ state: 'finished' })
    expect(view.rounds[0]!.dropouts).toEqual([
      { site: 'basel', reason: 'deadline: no progress for 300000 ms', purpose: 'train', phase: 'collect-updates' },
    ])
    await expect(fixture.service.uploadOffset(basel.caller, plan)).rejects.toMatchObject({ code: 'stale-round' })
  })
})

test('a site that uploads the bytes of an object of others does not take it with it when its update is dropped', async () => {
  const { fixture, basel, run, plan } = await waitingForBasel('sealed')
  const [study] = await fixture.admin.listStudies()
  const { sha256, bytes } = readSignedStudy(study!.signedStudy).manifest.initialParameters
  const header = { planHash: plan, sha256, size: bytes, offset: 0 }
  const known = await fixture.objects.get(sha256)
  await fixture.service.upload(basel.caller, header, iterate([known]))
  basel.uploads = true
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.rounds[0]!.dropouts).toMatchObject([{ site: 'basel', reason: expect.stringMatching(/^update-invalid/) }])
  await fixture.stop()
  expect(Buffer.from(await fixture.objects.get(sha256)).equals(known)).toBe(true)
})

test.for([
  { what: 'one word short', mode: 'secure', changes: { size: 20 }, code: 'limit-exceeded' },
  { what: 'with nothing signed', mode: 'secure', changes: { masked: undefined }, code: 'update-invalid' },
  {
    what: 'under masks',
    mode: 'sealed',
    changes: {
      masked: { root: new Uint8Array(32), vectorHashes: [new Uint8Array(32)], signature: new Uint8Array(64) },
    },
    code: 'update-invalid',
  },
] as const)(
  'an upload $what is refused in a $mode round, and the right one still taken',
  async ({ mode, changes, code }) => {
    const { fixture, basel, run, plan, sealed, header } = await waitingForBasel(mode)
    const { masked, ...others } = { ...header, ...changes }
    const wrong = { ...others, ...(masked && { masked }) }
    await expect(fixture.service.upload(basel.caller, wrong, iterate([sealed]))).rejects.toMatchObject({ code })
    await basel.upload(plan)
    basel.uploads = true
    expect((await fixture.runWhere(run, hasEnded)).rounds[0]!.survivors).toHaveLength(4)
  },
)

test('a masked upload whose vector is not the one its site signed costs that site the round, and nobody else', async () => {
  const { fixture, basel, run, sealed, header } = await waitingForBasel('secure')
  const bytes = Uint8Array.from(sealed)
  bytes[70]! ^= 1
  const other = { ...header, sha256: sha256Hex(bytes) }
  await expect(fixture.service.upload(basel.caller, other, iterate([bytes]))).rejects.toMatchObject({
    code: 'stale-round',
    message: expect.stringContaining('update: its bytes are not those whose hash the site signed'),
  })
  basel.uploads = true
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds[0]).toMatchObject({
    survivors: ['cleveland', 'hungary', 'zurich'],
    dropouts: [{ site: 'basel', reason: expect.stringContaining('update-invalid') }],
  })
})

test('what a site signed must be its own', async () => {
  const { fixture, basel, sealed, header } = await waitingForBasel('secure')
  const signature = Uint8Array.from(header.masked!.signature)
  signature[0]! ^= 1
  const forged = { ...header, masked: { ...header.masked!, signature } }
  await expect(fixture.service.upload(basel.caller, forged, iterate([sealed]))).rejects.toMatchObject({
    code: 'stale-round',
    message: expect.stringContaining('signature-invalid'),
  })
})
