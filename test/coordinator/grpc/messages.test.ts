/** What a site may say: every field bounded, one Hello first, no flood, nothing of the inside in an answer. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ToSite } from '@consilium/coordinator/services.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { FederationClient } from '@consilium/protos/gen/consilium/v1/Federation.ts'
import type { FromSite } from '@consilium/protos/gen/consilium/v1/FromSite.ts'
import type { LogProofRequest } from '@consilium/protos/gen/consilium/v1/LogProofRequest.ts'
import type { UploadPart } from '@consilium/protos/gen/consilium/v1/UploadPart.ts'
import { chunkBytesMax, messageBytesMax } from '@consilium/protos/limits.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manualClock } from '../../support/manual-clock.ts'
import { certificateFor, outcome, rawClient, streamOutcome } from '../../support/raw-client.ts'
import { startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

const hash = Buffer.alloc(32, 1)
const planHash = hash.toString('hex')
const shareRow = { index: 1, keyCommitment: hash, selfCommitment: hash }
const short = Buffer.alloc(31)
const long = 'x'.repeat(10_000)
const joinRate = { perPeer: { burst: 5, perSecond: 1 }, overall: { burst: 8, perSecond: 1 } }

const entryRate = { perPeer: { burst: 4, perSecond: 1 }, overall: { burst: 100, perSecond: 1 } }

const proofRate = { perPeer: { burst: 3, perSecond: 1 }, overall: { burst: 100, perSecond: 1 } }

const clock = manualClock()
let wire: WireFixture
let client: FederationClient
let folder: string
beforeEach(async () => {
  wire = await startWireFixture({ clock, joinRate, entryRate, proofRate })
  folder = mkdtempSync(join(tmpdir(), 'consilium-messages-'))
  const notAfter = new Date(clock.now().getTime() + 60 * 60_000)
  client = rawClient(wire.authority, wire.server.port, await certificateFor(wire.authority, 'site-a', folder, notAfter))
})
afterEach(async () => {
  client.close()
  await wire.stop()
  rmSync(folder, { recursive: true, force: true })
})

const badField = { status: 'INVALID_ARGUMENT', code: 'message-invalid' }
const goodJoin = {
  site: 'site-b',
  secret: hash,
  certificateRequest: hash,
  identityPublicKey: hash,
  identitySignature: Buffer.alloc(64),
}

test.for([
  { field: 'site', wrong: { site: 'Site B' } },
  { field: 'site', wrong: { site: long } },
  { field: 'secret', wrong: { secret: short } },
  { field: 'certificate_request', wrong: { certificateRequest: Buffer.alloc(0) } },
  { field: 'certificate_request', wrong: { certificateRequest: Buffer.alloc(9000) } },
  { field: 'identity_public_key', wrong: { identityPublicKey: short } },
  { field: 'identity_signature', wrong: { identitySignature: hash } },
])('a join with a bad $field is refused before anybody looks at it', async ({ field, wrong }) => {
  const { details, ...refusal } = await outcome((done) => client.join({ ...goodJoin, ...wrong }, done))
  expect(refusal).toEqual(badField)
  expect(details).toContain(field)
  expect(details.length).toBeLessThan(300)
})

test.for([
  { study_hash: { studyHash: short } },
  { decision: { decision: 'maybe' } },
  { reason: { reason: long } },
  { signature: { signature: hash } },
])('a decision with a bad field is refused: %o', async (wrong) => {
  const good = { studyHash: hash, decision: 'approve', reason: '', signature: Buffer.alloc(64) }
  const [field, value] = Object.entries(wrong)[0]!
  expect(await outcome((done) => client.decide(good, done))).toMatchObject({ status: 'OK' })
  const { details, ...refusal } = await outcome((done) => client.decide({ ...good, ...value }, done))
  expect(refusal).toEqual(badField)
  expect(details).toContain(field)
})

test.for([
  { 'sites[0].site': [{ site: 'Basel', identityPublicKey: hash }] },
  { 'sites[0].identity_public_key': [{ site: 'basel', identityPublicKey: short }] },
  { 'each site once': Array(2).fill({ site: 'basel', identityPublicKey: hash }) },
])('pins with a bad field are refused: %o', async (wrong) => {
  const good = [{ site: 'basel', identityPublicKey: hash }]
  const [field, sites] = Object.entries(wrong)[0]!
  expect(await outcome((done) => client.pin({ sites: good }, done))).toMatchObject({ status: 'OK' })
  const { details, ...refusal } = await outcome((done) => client.pin({ sites }, done))
  expect(refusal).toEqual(badField)
  expect(details).toContain(field)
  expect(wire.service.pins).toEqual([{ site: 'site-a', sites: [{ site: 'basel', publicKey: hash }] }])
})

test.for([
  { sha256: short, offset: 0 },
  { sha256: hash, offset: 2 ** 60 },
])('a fetch of %o is refused', async (request) => {
  expect(await streamOutcome(client.fetch(request))).toMatchObject(badField)
})

const proofs: readonly { readonly field: string; readonly wrong: LogProofRequest }[] = [
  { field: 'run', wrong: { run: 'Run 1' } },
  { field: 'run', wrong: { run: long } },
  { field: 'old_size', wrong: { oldSize: 8 } },
  { field: 'new_size', wrong: { newSize: 2 ** 40 + 1 } },
  { field: 'new_size', wrong: { newSize: 2 ** 60 } },
  { field: 'seq', wrong: { seq: 8 } },
]
test.for(proofs)('a proof is not asked of the log with a bad $field: $wrong', async ({ field, wrong }) => {
  const good = { run: 'run-1', oldSize: 7, newSize: 7, seq: 7 }
  expect(await outcome((done) => client.proveLog(good, done))).toMatchObject({ status: 'OK' })
  const { details, ...refusal } = await outcome((done) => client.proveLog({ ...good, ...wrong }, done))
  expect(refusal).toEqual(badField)
  expect(details).toContain(field)
  expect(wire.service.proofsAsked).toEqual([{ site: 'site-a', run: 'run-1', oldSize: 7, newSize: 7, seq: 6 }])
})

test('a site has only so many proofs made in a while, and the others theirs', async () => {
  const ask = (by: FederationClient) => outcome((done) => by.proveLog({ run: 'run-1' }, done))
  for (let i = 0; i < 3; i++) expect(await ask(client)).toMatchObject({ status: 'OK' })
  expect(await ask(client)).toMatchObject({ code: 'rate-limited' })
  const notAfter = new Date(clock.now().getTime() + 60 * 60_000)
  const own = await certificateFor(wire.authority, 'site-b', join(folder, 'site-b'), notAfter)
  const another = rawClient(wire.authority, wire.server.port, own)
  expect(await ask(another)).toMatchObject({ status: 'OK' })
  another.close()
  clock.advance(1000)
  expect(await ask(client)).toMatchObject({ status: 'OK' })
})

const header = { planHash: hash, sha256: hash, size: 1000, offset: 0 }
const masked = { root: hash, vectorHashes: [hash, hash], signature: Buffer.alloc(64) }
const uploads: readonly { readonly what: string; readonly parts: readonly UploadPart[] }[] = [
  { what: 'a chunk before the header', parts: [{ chunk: hash }] },
  { what: 'a short plan hash', parts: [{ header: { ...header, planHash: short } }] },
  { what: 'a short SHA-256', parts: [{ header: { ...header, sha256: short } }] },
  { what: 'a size beyond any object', parts: [{ header: { ...header, size: 2 ** 50 } }] },
  { what: 'an offset beyond the size', parts: [{ header: { ...header, offset: 1001 } }] },
  { what: 'a short root of what is masked', parts: [{ header: { ...header, masked: { ...masked, root: short } } }] },
  {
    what: 'more masked vectors than there are',
    parts: [{ header: { ...header, masked: { ...masked, vectorHashes: Array(5).fill(hash) } } }],
  },
  { what: 'nothing signed about what is masked', parts: [{ header: { ...header, masked: { root: hash } } }] },
  { what: 'a second header', parts: [{ header }, { header }] },
  { what: 'an empty chunk', parts: [{ header }, { chunk: Buffer.alloc(0) }] },
  { what: 'more bytes than announced', parts: [{ header }, { chunk: Buffer.alloc(1001) }] },
  {
    what: 'a chunk over the limit',
    parts: [{ header: { ...header, size: 2 ** 30 } }, { chunk: Buffer.alloc(chunkBytesMax + 1) }],
  },
]
test.for(uploads)('an upload with $what is refused', async ({ parts }) => {
  const call = client.upload()
  const ended = streamOutcome(call)
  for (const part of parts) call.write(part)
  expect(await ended).toMatchObject(badField)
  expect(wire.service.staged.size).toBe(0)
})

test('a message over 4 MiB is refused', async () => {
  const call = client.upload()
  const ended = streamOutcome(call)
  call.write({ header })
  call.write({ chunk: Buffer.alloc(messageBytesMax + 1) })
  expect(await ended).toMatchObject({ status: 'RESOURCE_EXHAUSTED' })
})

describe('the control stream', () => {
  const hello: FromSite = { hello: { agentVersion: 'test', nonce: Buffer.alloc(16), planFormat: 2 } }
  const basel = { site: 'basel', identityPublicKey: hash }
  const progress: FromSite = { progress: { planHash: hash, quarters: 2 } }
  const talks: readonly { readonly what: string; readonly messages: readonly FromSite[] }[] = [
    { what: 'progress before the hello', messages: [progress] },
    { what: 'a second hello', messages: [hello, hello] },
    { what: 'a message of no kind', messages: [hello, {}] },
    {
      what: 'a long agent version',
      messages: [{ hello: { agentVersion: long, nonce: Buffer.alloc(16), planFormat: 2 } }],
    },
    { what: 'a hello without a nonce', messages: [{ hello: { agentVersion: 'test', planFormat: 2 } }] },
    {
      what: 'more earlier streams than one names',
      messages: [{ hello: { planFormat: 2, nonce: hash.subarray(16), earlier: Array(17).fill(hash.subarray(16)) } }],
    },
    { what: 'a short plan hash', messages: [hello, { workDone: { planHash: short } }] },
    { what: 'more than the whole done', messages: [hello, { progress: { planHash: hash, quarters: 5 } }] },
    { what: 'a refusal of nothing', messages: [hello, { refusal: { code: 'invalid-study' } }] },
    {
      what: 'a refusal of two things',
      messages: [hello, { refusal: { planHash: hash, studyHash: hash, code: 'site-fault' } }],
    },
    { what: 'a refusal with an unknown code', messages: [hello, { refusal: { planHash: hash, code: 'because' } }] },
    { what: 'keys of a bad length', messages: [hello, { advertise: { planHash: hash, body: hash, signature: hash } }] },
    {
      what: 'shares of nobody',
      messages: [hello, { shareKeys: { planHash: hash, selfCommitment: hash, groupCommitment: hash } }],
    },
    { what: 'a complaint of no site', messages: [hello, { complaint: { planHash: hash, against: 256 } }] },
    { what: 'a confirmation that is not signed', messages: [hello, { confirm: { planHash: hash } }] },
    { what: 'a share of neither kind', messages: [hello, { unmask: { planHash: hash, revealed: [{ index: 1 }] } }] },
    {
      what: 'a pin without a key',
      messages: [hello, { pinned: { sites: [{ site: 'basel' }] } }],
    },
    {
      what: 'a purpose that nobody can stand out of',
      messages: [hello, { standsOut: { of: [{ studyHash: hash, purpose: 'train', code: 'site-fault' }] } }],
    },
    {
      what: 'a code that is none of standing out',
      messages: [hello, { standsOut: { of: [{ studyHash: hash, purpose: 'all', code: 'data-out-of-range' }] } }],
    },
    {
      what: 'more that a site stands out of than it may tell',
      messages: [
        hello,
        { standsOut: { of: Array(1001).fill({ studyHash: hash, purpose: 'all', code: 'site-fault' }) } },
      ],
    },
    { what: 'a site pinned twice', messages: [hello, { pinned: { sites: [basel, basel] } }] },
    { what: 'more pins than a roster has', messages: [hello, { pinned: { sites: Array(10_001).fill(basel) } }] },
    {
      what: 'a refusal with a code that tells of data',
      messages: [hello, { refusal: { planHash: hash, code: 'data-out-of-range' } }],
    },
  ]
  test.for(talks)('ends at $what', async ({ messages }) => {
    const call = client.attend()
    const ended = streamOutcome(call)
    for (const message of messages) call.write(message)
    expect(await ended).toMatchObject(badField)
    await until(wire, () => wire.service.streams.every(({ closed }) => closed))
  })

  test.for([0, 1, 3])('is refused by name to an agent that works on plans of format %i', async (planFormat) => {
    const call = client.attend()
    const ended = streamOutcome(call)
    call.write({ hello: { agentVersion: '0.0.9', nonce: Buffer.alloc(16), planFormat } })
    expect(await ended).toMatchObject({ code: 'version-unsupported' })
  })

  test('carries refusals, progress, pins, what a site stands out of and finished work to the service', async () => {
    const call = client.attend()
    call.on('error', () => {})
    const refusal = { studyHash: hash, code: 'operator-refused' }
    const pinned = { sites: [basel] }
    const standsOut = { of: [{ studyHash: hash, purpose: 'evaluate', code: 'site-fault' }] }
    for (const message of [
      hello,
      progress,
      { workDone: { planHash: hash } },
      { refusal },
      { pinned },
      { pinned: {} },
      { standsOut },
    ])
      call.write(message)
    await until(wire, () => wire.service.streams[0]?.heard.length === 7)
    expect(wire.service.streams[0]?.heard).toEqual([
      { type: 'hello', agentVersion: 'test', nonce: '00'.repeat(16), earlier: [] },
      { type: 'progress', planHash, quarters: 2 },
      { type: 'work-done', planHash },
      { type: 'refusal', studyHash: planHash, code: 'operator-refused' },
      { type: 'pinned', sites: [{ site: 'basel', publicKey: hash }] },
      { type: 'pinned', sites: [] },
      { type: 'stands-out', of: [{ study: planHash, purpose: 'evaluate', code: 'site-fault' }] },
    ])
    call.cancel()
  })

  test('ends where a site floods it', async () => {
    const call = client.attend()
    const ended = streamOutcome(call)
    call.write(hello)
    for (let i = 0; i < 1000; i++) call.write(progress)
    expect(await ended).toMatchObject({ status: 'RESOURCE_EXHAUSTED', code: 'rate-limited' })
    expect(wire.service.streams[0]?.heard.length).toBe(500)
  })

  test('has room for the rounds of a small model, one right after the other', async () => {
    const call = client.attend()
    call.on('error', () => {})
    call.write(hello)
    const signature = Buffer.alloc(64)
    const round: FromSite[] = [
      progress,
      { workDone: { planHash: hash } },
      { advertise: { planHash: hash, body: hash, signature } },
      { shareKeys: { planHash: hash, selfCommitment: hash, groupCommitment: hash, rows: [shareRow], signature } },
      { confirm: { planHash: hash, signature } },
      { unmask: { planHash: hash, revealed: [{ index: 1, kind: 'b', share: hash }], signature } },
    ]
    for (let second = 1; second <= 5; second++) {
      for (let i = 0; i < 30; i++) for (const message of round) call.write(message)
      await until(wire, () => wire.service.streams[0]?.heard.length === 1 + second * 30 * round.length)
      clock.advance(1000)
    }
    expect(wire.service.streams[0]!.closed).toBe(false)
    call.cancel()
  })

  const signed = { signature: Buffer.alloc(64) }
  const sites = Array.from({ length: 255 }, (_, i) => ({ index: i + 1, ...signed }))
  const bulky: readonly ToSite[] = [
    { type: 'study', signedStudy: Buffer.alloc(chunkBytesMax) },
    { type: 'directory', planHash, sites: sites.map((site) => ({ ...site, body: Buffer.alloc(256) })) },
  ]
  test.for(bulky)('ends where a site reads nothing of what is sent: $type', async (message) => {
    const call = client.attend()
    call.pause()
    const ended = new Promise<unknown>((resolve) => call.once('error', resolve))
    call.write(hello)
    await until(wire, () => wire.service.streams.length === 1)
    const open = wire.service.streams[0]!
    // Fewer messages than may wait: it is their bytes that are too many.
    for (let i = 0; i < 900; i++) open.stream.send(message)
    await until(wire, () => open.closed)
    call.resume()
    call.on('data', () => {})
    expect(await ended).toMatchObject({ details: expect.stringContaining('does not read') })
  })
})

describe('joins', () => {
  test('from one address are limited, and allowed again after a while', async () => {
    const joinOnce = async () => (await outcome((done) => client.join(goodJoin, done))).code
    const codes = []
    for (let i = 0; i < 7; i++) codes.push(await joinOnce())
    expect(codes).toEqual([...Array(5).fill('join-code-used'), 'rate-limited', 'rate-limited'])
    clock.advance(2000)
    expect(await joinOnce()).toBe('join-code-used')
  })

  test('being limited leave enrolled sites alone', async () => {
    for (let i = 0; i < 7; i++) await outcome((done) => client.join(goodJoin, done))
    expect(await streamOutcome(client.studies({}))).toMatchObject({ status: 'OK' })
  })
})

test('a site fills the log only so fast with decisions and renewals, whatever else it asks', async () => {
  const good = { studyHash: hash, decision: 'approve', reason: '', signature: Buffer.alloc(64) }
  const codes = []
  for (let i = 0; i < 5; i++) codes.push((await outcome((done) => client.decide(good, done))).code)
  expect(codes).toEqual([undefined, undefined, undefined, undefined, 'rate-limited'])
  expect(wire.service.decisions).toHaveLength(4)
  expect(await outcome((done) => client.renew({ certificateRequest: hash }, done))).toMatchObject({
    code: 'rate-limited',
  })
  expect(wire.service.renewals).toBe(0)
  expect(await streamOutcome(client.studies({}))).toMatchObject({ status: 'OK' })
  clock.advance(1000)
  expect(await outcome((done) => client.decide(good, done))).toMatchObject({ status: 'OK' })
})

test('an error that is not ours is internal outside, without its text', async () => {
  wire.service.decide = async () => {
    throw new Error('password=hunter2')
  }
  const good = { studyHash: hash, decision: 'approve', reason: '', signature: Buffer.alloc(64) }
  const answer = await outcome((done) => client.decide(good, done))
  expect(answer).toMatchObject({ status: 'INTERNAL', code: 'internal' })
  expect(answer.details).not.toContain('hunter2')
})

test('an error of ours arrives with its code and its message, in any script', async () => {
  wire.service.decide = async () => {
    throw new FederationError('study-altered', 'die Studie wurde geändert \ud800 研究')
  }
  const good = { studyHash: hash, decision: 'approve', reason: '', signature: Buffer.alloc(64) }
  expect(await outcome((done) => client.decide(good, done))).toMatchObject({
    status: 'FAILED_PRECONDITION',
    code: 'study-altered',
    details: 'die Studie wurde geändert \ufffd 研究',
  })
})
