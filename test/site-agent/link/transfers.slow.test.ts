/** Transfers cut at seeded bytes, in both directions: at most one chunk goes again, and the bytes are right. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Cut, startRelay } from '../../support/relay.ts'
import { startWireFixture, type WireFixture } from '../../support/wire-fixture.ts'

let wire: WireFixture
let folder: string
beforeEach(async () => {
  wire = await startWireFixture()
  folder = mkdtempSync(join(tmpdir(), 'consilium-transfer-'))
})
afterEach(async () => {
  await wire.stop()
  rmSync(folder, { recursive: true, force: true })
})

const planHash = 'ab'.repeat(32)
const objectBytes = 6_000_000
/** TLS and HTTP/2 around the messages, of all connections of one transfer. */
const overheadBytesMax = 60_000
const never = new AbortController().signal

/** Ten places in the transfer, drawn from a seed. */
const cuts = Array.from({ length: 10 }, (_, i) => {
  const afterBytes = createHash('sha256').update(`cut ${i}`).digest().readUInt32BE(0) % objectBytes
  return { i, afterBytes }
})

test.for(cuts)(
  'an upload cut after $afterBytes bytes goes on and sends at most one chunk again',
  async ({ afterBytes }) => {
    const { relay, link } = await linkThroughRelay({ direction: 'toServer', afterBytes })
    const update = randomBytes(objectBytes)
    writeFileSync(join(folder, 'update'), update)
    const told: number[] = []
    await link.upload({
      planHash,
      path: join(folder, 'update'),
      study: '',
      onProgress: (sent) => told.push(sent),
      signal: never,
    })
    expect(sha256Hex(wire.service.staged.get(`site-a/${planHash}`)!)).toBe(sha256Hex(update))
    expect(relay.connections.map(({ cut }) => cut)).toEqual([true, false])
    expect(relay.total('toServer') - objectBytes).toBeLessThan(chunkBytesMax + overheadBytesMax)
    expect(wire.service.receivedBytes - objectBytes).toBeLessThanOrEqual(chunkBytesMax)
    expect(told.at(-1)).toBe(objectBytes)
    await relay.close()
  },
)

test.for(cuts)(
  'a download cut after $afterBytes bytes goes on and is sent at most one chunk again',
  async ({ afterBytes }) => {
    const { relay, link } = await linkThroughRelay({ direction: 'toClient', afterBytes })
    const object = randomBytes(objectBytes)
    const sha256 = sha256Hex(object)
    wire.service.objects.set(sha256, object)
    await link.fetch(download(sha256))
    expect(sha256Hex(readFileSync(join(folder, 'object')))).toBe(sha256)
    expect(existsSync(join(folder, 'object.part'))).toBe(false)
    expect(relay.connections.map(({ cut }) => cut)).toEqual([true, false])
    expect(relay.total('toClient') - objectBytes).toBeLessThan(chunkBytesMax + overheadBytesMax)
    await relay.close()
  },
)

test('an upload that is complete is not sent again', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  writeFileSync(join(folder, 'update'), randomBytes(100_000))
  const upload = { planHash, path: join(folder, 'update'), study: '', onProgress: () => {}, signal: never }
  await link.upload(upload)
  await link.upload(upload)
  expect(wire.service.receivedBytes).toBe(100_000)
})

test.for([0, 1, chunkBytesMax / 4, chunkBytesMax, chunkBytesMax + 1])(
  'an update of %i bytes arrives whole',
  async (bytes) => {
    const link = wire.linkOf(await wire.joinSite('site-a'))
    const update = randomBytes(bytes)
    writeFileSync(join(folder, 'update'), update)
    await link.upload({ planHash, path: join(folder, 'update'), study: '', onProgress: () => {}, signal: never })
    expect(wire.service.receivedBytes).toBe(bytes)
  },
)

test('a download goes on from what an earlier process left behind', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const object = randomBytes(2_000_000)
  const sha256 = sha256Hex(object)
  wire.service.objects.set(sha256, object)
  writeFileSync(join(folder, 'object.part'), object.subarray(0, 1_500_000))
  const { fetch } = wire.service
  const offsets: number[] = []
  wire.service.fetch = (caller, hash, offset) => {
    offsets.push(offset)
    return fetch(caller, hash, offset)
  }
  await link.fetch(download(sha256))
  expect(offsets).toEqual([1_500_000])
  expect(readFileSync(join(folder, 'object')).equals(object)).toBe(true)
})

test.for([
  { what: 'damaged', left: Buffer.alloc(1_500_000) },
  { what: 'longer than the object', left: Buffer.alloc(3_000_000) },
])('a download starts anew where what an earlier one left is $what', async ({ left }) => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const object = randomBytes(2_000_000)
  wire.service.objects.set(sha256Hex(object), object)
  writeFileSync(join(folder, 'object.part'), left)
  await link.fetch(download(sha256Hex(object)))
  expect(readFileSync(join(folder, 'object')).equals(object)).toBe(true)
})

test('an upload asks again where its offset was outdated on arrival', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const update = randomBytes(300_000)
  writeFileSync(join(folder, 'update'), update)
  const { uploadOffset } = wire.service
  let asked = 0
  wire.service.uploadOffset = async (caller, plan) => {
    const told = await uploadOffset(caller, plan)
    asked += 1
    // A chunk of a broken connection is stored only after the offset was told.
    if (asked === 1) wire.service.staged.set(`site-a/${plan}`, update.subarray(0, 100_000))
    return told
  }
  await link.upload({ planHash, path: join(folder, 'update'), study: '', onProgress: () => {}, signal: never })
  expect(asked).toBe(2)
  expect(wire.service.receivedBytes).toBe(200_000)
})

test('an upload of masked vectors tells in its header what the site signed, also after a cut', async () => {
  const { relay, link } = await linkThroughRelay({ direction: 'toServer', afterBytes: 2_000_000 })
  writeFileSync(join(folder, 'update'), randomBytes(3_000_000))
  const masked = {
    root: randomBytes(32),
    vectorHashes: [randomBytes(32), randomBytes(32)],
    signature: randomBytes(64),
  }
  const path = join(folder, 'update')
  await link.upload({ planHash, path, study: '', masked, onProgress: () => {}, signal: never })
  expect(wire.service.headers.length).toBeGreaterThan(1)
  for (const header of wire.service.headers) expect(header.masked).toEqual(masked)
  await link.upload({ planHash: 'cd'.repeat(32), path, study: '', onProgress: () => {}, signal: never })
  expect(wire.service.headers.at(-1)).not.toHaveProperty('masked')
  await relay.close()
})

test('an upload whose first bytes were damaged on the other side starts anew', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const update = randomBytes(300_000)
  writeFileSync(join(folder, 'update'), update)
  // What a power cut can leave of an earlier attempt.
  wire.service.staged.set(`site-a/${planHash}`, Buffer.alloc(100_000))
  await link.upload({ planHash, path: join(folder, 'update'), study: '', onProgress: () => {}, signal: never })
  expect(Buffer.from(wire.service.staged.get(`site-a/${planHash}`)!).equals(update)).toBe(true)
  expect(wire.service.headers.map(({ offset }) => offset)).toEqual([100_000, 0])
})

test('an upload that never arrives as it was sent is given up after the third new start', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  writeFileSync(join(folder, 'update'), randomBytes(1000))
  let attempts = 0
  wire.service.upload = async (_caller, _header, chunks) => {
    for await (const _ of chunks) attempts += 1
    throw new FederationError('hash-mismatch', 'other bytes than announced')
  }
  const upload = { planHash, path: join(folder, 'update'), study: '', onProgress: () => {}, signal: never }
  await expect(link.upload(upload)).rejects.toMatchObject({ code: 'hash-mismatch' })
  expect(attempts).toBe(4)
})

test('a download with other bytes than its hash is refused, and nothing of it stays', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const sha256 = sha256Hex(Buffer.from('asked for'))
  wire.service.objects.set(sha256, Buffer.from('something else'))
  await expect(link.fetch(download(sha256))).rejects.toMatchObject({ code: 'hash-mismatch' })
  expect(existsSync(join(folder, 'object'))).toBe(false)
  expect(existsSync(join(folder, 'object.part'))).toBe(false)
})

test('a download that is longer than its object is cut off there, and nothing of it stays', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  const endless = randomBytes(objectBytes + 1)
  wire.service.objects.set(sha256Hex(endless), endless)
  await expect(link.fetch(download(sha256Hex(endless)))).rejects.toMatchObject({ code: 'limit-exceeded' })
  expect(existsSync(join(folder, 'object.part'))).toBe(false)
})

test('a transfer that is called off ends as cancelled, and an unknown object as not found', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  await expect(link.fetch(download('00'.repeat(32)))).rejects.toMatchObject({ code: 'not-found' })
  await expect(link.fetch(download('00'.repeat(32), AbortSignal.abort()))).rejects.toMatchObject({
    code: 'cancelled',
  })
})

test('an upload that is called off while its next chunk is read ends as cancelled, and nothing else fails', async () => {
  const link = wire.linkOf(await wire.joinSite('site-a'))
  writeFileSync(join(folder, 'update'), randomBytes(3 * chunkBytesMax))
  const calledOff = new AbortController()
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  await expect(
    link.upload({
      planHash,
      path: join(folder, 'update'),
      study: '',
      onProgress: () => calledOff.abort(),
      signal: calledOff.signal,
    }),
  ).rejects.toMatchObject({ code: 'cancelled' })
  process.off('unhandledRejection', onUnhandled)
  expect(unhandled).toEqual([])
})

function download(sha256: string, signal = never) {
  return { sha256, bytesMax: objectBytes, path: join(folder, 'object'), study: '', signal }
}

/** A joined site whose first connection through the relay is cut. */
async function linkThroughRelay(cut: Cut) {
  const joined = await wire.joinSite('site-a')
  const relay = await startRelay(wire.server.port, { cut: (connection) => (connection === 0 ? cut : undefined) })
  return { relay, link: wire.linkOf({ ...joined, address: `127.0.0.1:${relay.port}` }) }
}
