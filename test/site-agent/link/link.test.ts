/** The control stream against a real server: heard both ways, dialled again after every break, refused for good once. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { startFederationServer } from '@consilium/coordinator/grpc/federation-server.ts'
import { systemClock } from '@consilium/protos/clock.ts'
import { type ErrorCode, FederationError } from '@consilium/protos/errors.ts'
import type { FromCoordinator, Link, ToCoordinator } from '@consilium/site-agent/link/link.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { startRelay } from '../../support/relay.ts'
import { memoryLedger, silent, startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

const planHash = 'ab'.repeat(32)
const study = 'cd'.repeat(32)
let wire: WireFixture
beforeEach(async () => {
  wire = await startWireFixture()
})
afterEach(() => wire.stop())

test('messages go both ways, in order, and stop when nobody wants them any more', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const site = attend(link)
  await site.up(1)
  link.send({ type: 'progress', planHash, quarters: 2 }, '')
  link.send({ type: 'work-done', planHash }, '')
  link.send({ type: 'refusal', studyHash: planHash, code: 'operator-refused' }, '')
  await until(wire, () => wire.service.streams[0]?.heard.length === 4)
  const [hello, ...rest] = wire.service.streams[0]!.heard
  expect(hello).toEqual({
    type: 'hello',
    agentVersion: 'test',
    nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
    earlier: [],
  })
  expect(rest).toEqual([
    { type: 'progress', planHash, quarters: 2 },
    { type: 'work-done', planHash },
    { type: 'refusal', studyHash: planHash, code: 'operator-refused' },
  ])

  const sent: FromCoordinator[] = [
    { type: 'study', signedStudy: Buffer.from('{"a":1}') },
    { type: 'assignment', plan: { bytes: Buffer.from('{}'), signature: Buffer.alloc(64, 3) } },
    { type: 'collect-updates', planHash },
    { type: 'round-over', planHash, outcome: 'dropped', reason: 'late' },
    { type: 'run-over', run: 'run-1', outcome: 'finished', reason: '' },
  ]
  for (const message of sent) wire.service.streams[0]!.stream.send(message)
  await site.heard(5)
  expect(site.messages).toEqual(sent)

  site.stop()
  await site.attending
  await until(wire, () => wire.service.streams[0]!.closed)
  expect(site.downs).toEqual([])
})

test('the messages of a secure round go both ways, each in the ledger under its own name', async () => {
  const ledger = memoryLedger()
  const link = wire.linkOf(await wire.joinSite('site-a'), ledger)
  const site = attend(link)
  await site.up(1)
  const signature = randomBytes(64)
  const row = { keyCommitment: randomBytes(32), selfCommitment: randomBytes(32) }
  const said: ToCoordinator[] = [
    { type: 'advertise', planHash, body: randomBytes(114), signature },
    {
      type: 'share-keys',
      planHash,
      selfCommitment: randomBytes(32),
      groupCommitment: randomBytes(32),
      rows: [
        { index: 1, ...row, sealed: randomBytes(136) },
        { index: 2, ...row, sealed: Buffer.alloc(0) },
      ],
      signature,
    },
    { type: 'complaint', planHash, against: 1, reason: 'share-does-not-open', signature },
    { type: 'confirm', planHash, signature },
    { type: 'unmask', planHash, revealed: [{ index: 1, kind: 's', share: randomBytes(32) }], signature },
    { type: 'pinned', sites: [listed('site-b'), listed('site-c')] },
    { type: 'stands-out', of: [{ study: planHash, purpose: 'evaluate', code: 'data-not-ready' }] },
  ]
  for (const message of said) link.send(message, study)
  await until(wire, () => wire.service.streams[0]?.heard.length === 1 + said.length)
  expect(wire.service.streams[0]!.heard.slice(1)).toEqual(said)
  const entered = ledger.records.filter((record) => record.study === study)
  expect(entered.map(({ kind }) => kind)).toEqual(said.map(({ type }) => type))

  const sent: FromCoordinator[] = [
    { type: 'roster', sites: ['a', 'b'].map((name) => ({ site: `site-${name}`, publicKey: randomBytes(32) })) },
    { type: 'coordinator-keys', rotations: [rotation()] },
    { type: 'advertise-keys', planHash },
    { type: 'directory', planHash, sites: [{ index: 3, body: randomBytes(114), signature }] },
    {
      type: 'shares',
      planHash,
      sharers: [{ index: 1, shareKeysHash: randomBytes(32), signature }],
      received: [{ index: 2, ...row, sealed: randomBytes(136), groupCommitment: randomBytes(32) }],
    },
    {
      type: 'survivors',
      planHash,
      survivors: [{ index: 1, root: randomBytes(32), signature }],
      logHead: { size: 7, root: 'cd'.repeat(32) },
    },
    { type: 'quorum', planHash, confirmations: [{ index: 1, signature }] },
  ]
  for (const message of sent) wire.service.streams[0]!.stream.send(message)
  await site.heard(sent.length)
  expect(site.messages).toEqual(sent)
  site.stop()
  await site.attending
})

const bad: readonly (readonly [string, FromCoordinator])[] = [
  ['sites[1].site', { type: 'roster', sites: [listed('site-a'), listed('Site B')] }],
  ['sites[0].identity_public_key', { type: 'roster', sites: [{ site: 'site-a', publicKey: Buffer.alloc(31) }] }],
  ['sites: expected each site once', { type: 'roster', sites: [listed('site-a'), listed('site-a')] }],
  ['rotations', { type: 'coordinator-keys', rotations: [] }],
  ...Object.entries(rotation()).map(([key, bytes]): readonly [string, FromCoordinator] => [
    `rotations[0].${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
    { type: 'coordinator-keys', rotations: [{ ...rotation(), [key]: bytes.subarray(1) }] },
  ]),
  ['plan', { type: 'assignment', plan: { bytes: Buffer.alloc(0), signature: Buffer.alloc(64) } }],
  ['signature', { type: 'assignment', plan: { bytes: Buffer.alloc(1), signature: Buffer.alloc(63) } }],
  ['signed_study', { type: 'study', signedStudy: Buffer.alloc(0) }],
  ['plan_hash', { type: 'collect-updates', planHash: 'ab' }],
  ['reason', { type: 'round-over', planHash, outcome: 'failed', reason: 'x'.repeat(501) }],
  ['run', { type: 'run-over', run: '../run', outcome: 'failed', reason: '' }],
  ['sites[0].index', { type: 'directory', planHash, sites: [{ index: 256, ...signedBody() }] }],
]
test.for(bad)('what the coordinator may not say ends the stream, naming the field: %s', async ([field, message]) => {
  const site = attend(wire.linkOf(await wire.joinSite('site-a')))
  await site.up(1)
  wire.service.streams[0]!.stream.send(message)
  await site.down(1)
  expect(site.downs[0]).toContain(`the coordinator sent a bad message: ${field}`)
  expect(site.messages).toEqual([])
  site.stop()
  await site.attending
})

describe('a proof of the log', () => {
  const entry = Buffer.from('{"seq":0}')
  const hashes = (count: number) => Array.from({ length: count }, () => randomBytes(32))

  test('of an entry and of none is asked for as a log-proof of the study', async () => {
    const ledger = memoryLedger()
    const link = wire.linkOf(await wire.joinSite('site-a'), ledger)
    wire.service.proof = { consistency: hashes(3), entry, inclusion: hashes(40) }
    const first = { run: 'run-1', oldSize: 0, newSize: 12, seq: 0 }
    expect(await link.proveLog(first, study)).toEqual(wire.service.proof)
    wire.service.proof = { consistency: [], inclusion: [] }
    const second = { run: 'run-1', oldSize: 12, newSize: 2 ** 40 }
    expect(await link.proveLog(second, study)).toEqual(wire.service.proof)
    expect(wire.service.proofsAsked).toEqual([first, second].map((asked) => ({ ...asked, site: 'site-a' })))
    expect(ledger.records.filter((record) => record.study === study).map(({ kind }) => kind)).toEqual(
      Array(2).fill('log-proof'),
    )
  })

  test.for([
    ['consistency', { consistency: hashes(65), entry, inclusion: [] }],
    ['consistency[1]', { consistency: [...hashes(1), Buffer.alloc(31)], entry, inclusion: [] }],
    ['inclusion', { consistency: [], entry, inclusion: hashes(65) }],
    ['inclusion[0]', { consistency: [], entry, inclusion: [Buffer.alloc(33)] }],
    ['entry', { consistency: [], inclusion: [] }],
  ] as const)('is refused for a bad %s', async ([field, proof]) => {
    const link = wire.linkOf(await wire.joinSite('site-a'))
    wire.service.proof = proof
    await expect(link.proveLog({ run: 'run-1', oldSize: 1, newSize: 2, seq: 1 }, study)).rejects.toMatchObject({
      code: 'message-invalid',
      message: expect.stringContaining(`the coordinator sent a bad message: ${field}`),
    })
  })

  test('is refused with an entry that nobody asked for', async () => {
    const link = wire.linkOf(await wire.joinSite('site-a'))
    wire.service.proof = { consistency: [], entry, inclusion: [] }
    await expect(link.proveLog({ run: 'run-1', oldSize: 1, newSize: 2 }, study)).rejects.toMatchObject({
      code: 'message-invalid',
    })
  })

  test('is asked for again while the coordinator is away, and no more once it refuses', async () => {
    const link = wire.linkOf(await wire.joinSite('site-a'))
    const { proveLog } = wire.service
    const failures: FederationError[] = ['store-failed', 'rate-limited'].map(
      (code) => new FederationError(code as ErrorCode, 'later'),
    )
    wire.service.proveLog = (...asked) => {
      const failure = failures.shift()
      if (failure) throw failure
      return proveLog(...asked)
    }
    await link.proveLog({ run: 'run-1', oldSize: 0, newSize: 1 }, study)
    expect(wire.service.proofsAsked).toHaveLength(1)
    failures.push(new FederationError('not-found', 'no such run'))
    await expect(link.proveLog({ run: 'run-2', oldSize: 0, newSize: 1 }, study)).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})

test('what the ledger cannot take does not leave: attending ends', async () => {
  const full = {
    append({ kind }: { readonly kind: string }) {
      if (kind === 'work-done') throw new Error('the disk is full')
    },
  }
  const link = wire.linkOf(await wire.joinSite('site-a'), full)
  const attending = link.attend({
    onUp: () => link.send({ type: 'work-done', planHash }, ''),
    onDown: () => {},
    onMessage: () => {},
    signal: new AbortController().signal,
  })
  await expect(attending).rejects.toThrow('the disk is full')
  expect(wire.service.streams.flatMap(({ heard }) => heard.map(({ type }) => type))).not.toContain('work-done')
})

test('a refusal leaves also where the ledger takes nothing', async () => {
  const full = {
    append() {
      throw new Error('the disk is full')
    },
  }
  const link = wire.linkOf(await wire.joinSite('site-a'), full)
  const stop = new AbortController()
  const attending = link.attend({
    onUp: () => link.send({ type: 'refusal', planHash, code: 'site-fault' }, ''),
    onDown: () => {},
    onMessage: () => {},
    signal: stop.signal,
  })
  await until(wire, () => wire.service.streams[0]?.heard.length === 2)
  expect(wire.service.streams[0]!.heard[1]).toEqual({ type: 'refusal', planHash, code: 'site-fault' })
  stop.abort()
  await attending
})

test('studies, decisions and pins go beside it', async () => {
  const ledger = memoryLedger()
  const link = wire.linkOf(await wire.joinSite('site-a'), ledger)
  expect((await link.studies()).map(String)).toEqual(['{"study":1}', '{"study":2}'])
  const decision = { studyHash: planHash, decision: 'approve' as const, reason: 'ours', signature: randomBytes(64) }
  await link.decide(decision)
  expect(wire.service.decisions).toEqual([{ ...decision, site: 'site-a' }])
  const sites = [listed('site-b'), listed('site-c')]
  await link.pin(sites)
  await link.pin([])
  expect(wire.service.pins).toEqual([
    { site: 'site-a', sites },
    { site: 'site-a', sites: [] },
  ])
  expect(ledger.records.map(({ kind }) => kind).filter((kind) => kind === 'pinned')).toHaveLength(2)
  const of = [{ study: 'ab'.repeat(32), purpose: 'evaluate', code: 'site-restored' }] as const
  await link.standOut(of)
  await link.standOut([])
  expect(wire.service.standOuts).toEqual([
    { site: 'site-a', of },
    { site: 'site-a', of: [] },
  ])
  expect(ledger.records.map(({ kind }) => kind).filter((kind) => kind === 'stands-out')).toHaveLength(2)
})

test('a cut connection is dialled again, and the site hears that it is up again', async () => {
  const relay = await startRelay(wire.server.port)
  const joined = await wire.joinSite('site-a')
  const link = wire.linkOf({ ...joined, address: `127.0.0.1:${relay.port}` })
  const site = attend(link)
  for (let cuts = 1; cuts <= 3; cuts++) {
    await site.up(cuts)
    relay.cutAll()
  }
  await site.up(4)
  expect(site.downs).toHaveLength(3)
  link.send({ type: 'work-done', planHash }, '')
  await until(wire, () => wire.service.streams.at(-1)?.heard.length === 2)
  site.stop()
  await site.attending
  await link.close()
  await relay.close()
})

test('a connection whose handshake is never answered is given up and dialled again', async () => {
  const heard = Promise.withResolvers<void>()
  let answers = false
  const silentOnce = createServer((socket) => {
    if (answers) return void socket.pipe(connect(wire.server.port, '127.0.0.1')).pipe(socket)
    answers = true
    socket.once('data', () => heard.resolve())
  })
  await once(silentOnce.listen(0, '127.0.0.1'), 'listening')
  const { port } = silentOnce.address() as AddressInfo
  const clock = manualClock()
  const joined = await wire.joinSite('site-a')
  const link = wire.linkOf({ ...joined, address: `127.0.0.1:${port}` }, undefined, clock)
  const site = attend(link)
  await heard.promise
  clock.advance(5000)
  await site.down(1)
  expect(site.downs[0]).toContain('no TLS handshake in 5 s')
  clock.advance(5000)
  await site.up(1)
  site.stop()
  await site.attending
  await link.close()
  silentOnce.close()
})

test('a coordinator that stops and starts again on its port is found again', async () => {
  const joined = await wire.joinSite('site-a')
  const site = attend(wire.linkOf(joined))
  await site.up(1)
  await wire.server.stop()
  await site.down(1)
  expect(site.downs[0]).toContain('stopping')
  const { authority, service } = wire
  const options = { authority, service, host: '127.0.0.1', port: wire.server.port, clock: systemClock, log: silent }
  const again = await startFederationServer(options)
  await site.up(2)
  site.stop()
  await site.attending
  await again.stop()
})

test('a transfer that waits for the coordinator goes on as soon as the control stream is up again', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const site = attend(link)
  await site.up(1)
  await wire.server.stop()
  const studyless = link.fetch(download())
  studyless.catch(() => {})
  await site.down(1)
  const { authority, service } = wire
  const options = { authority, service, host: '127.0.0.1', port: wire.server.port, clock: systemClock, log: silent }
  const again = await startFederationServer(options)
  await expect(studyless).rejects.toMatchObject({ code: 'not-found' })
  site.stop()
  await site.attending
  await again.stop()
})

test('a revoked site stops dialling', async () => {
  const site = attend(wire.linkOf(await wire.joinSite('site-a')))
  await site.up(1)
  wire.service.revoked.add('site-a')
  wire.service.streams[0]!.stream.end('certificate-revoked', 'left the federation')
  await expect(site.attending).rejects.toMatchObject({ code: 'certificate-revoked', message: 'left the federation' })
})

test('a site that is refused at the door never counts as up', async () => {
  const joined = await wire.joinSite('site-a')
  wire.service.revoked.add('site-a')
  const ups: number[] = []
  const signal = new AbortController().signal
  const attending = wire.linkOf(joined).attend({ onUp: () => ups.push(1), onDown() {}, onMessage() {}, signal })
  await expect(attending).rejects.toMatchObject({ code: 'certificate-revoked' })
  expect(ups).toEqual([])
})

test('a stream that a newer one of the same site replaces is dialled again', async () => {
  const site = attend(wire.linkOf(await wire.joinSite('site-a')))
  await site.up(1)
  wire.service.streams[0]!.stream.end('stale-round', 'another agent of this site attends')
  await site.up(2)
  expect(site.downs).toEqual(['another agent of this site attends'])
  site.stop()
  await site.attending
})

test('what an agent sends while the stream is down goes nowhere', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  link.send({ type: 'work-done', planHash }, '')
  const site = attend(link)
  await site.up(1)
  expect(wire.service.streams[0]!.heard.map(({ type }) => type)).toEqual(['hello'])
  site.stop()
  await site.attending
  link.send({ type: 'work-done', planHash }, '')
})

test('an error in handling a message ends attending with that error', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const ours = new Error('ours')
  const attending = link.attend({
    onUp: () => wire.service.streams[0]!.stream.send({ type: 'collect-updates', planHash }),
    onDown: () => {},
    onMessage: () => {
      throw ours
    },
    signal: new AbortController().signal,
  })
  await expect(attending).rejects.toBe(ours)
})

test('closing ends the control stream and the transfers', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const site = attend(link)
  await site.up(1)
  wire.service.fetch = () => new Promise(() => {})
  const fetching = link.fetch(download())
  fetching.catch(() => {})
  await link.close()
  await site.attending
  await expect(fetching).rejects.toMatchObject({ code: 'cancelled' })
})

/** Attends, and lets a test wait for the n-th event of a kind. */
function attend(link: Link) {
  const controller = new AbortController()
  const messages: FromCoordinator[] = []
  const downs: string[] = []
  let ups = 0
  let tell = () => {}
  const once = async (holds: () => boolean) => {
    while (!holds())
      await new Promise<void>((resolve) => {
        tell = resolve
      })
  }
  const attending = link.attend({
    onUp() {
      ups += 1
      tell()
    },
    onDown(reason) {
      downs.push(reason)
      tell()
    },
    onMessage(message) {
      messages.push(message)
      tell()
    },
    signal: controller.signal,
  })
  attending.catch(() => {})
  return {
    attending,
    messages,
    downs,
    up: (count: number) => once(() => ups >= count),
    down: (count: number) => once(() => downs.length >= count),
    heard: (count: number) => once(() => messages.length >= count),
    stop: () => controller.abort(),
  }
}

function listed(site: string) {
  return { site, publicKey: Buffer.alloc(32, 1) }
}

function rotation() {
  return {
    oldPublicKey: randomBytes(32),
    newPublicKey: randomBytes(32),
    oldSignature: randomBytes(64),
    newSignature: randomBytes(64),
  }
}

function signedBody() {
  return { body: Buffer.alloc(114), signature: Buffer.alloc(64) }
}

function download() {
  const signal = new AbortController().signal
  return { sha256: '00'.repeat(32), bytesMax: 1, path: `${wire.home}/object`, study: '', signal }
}
