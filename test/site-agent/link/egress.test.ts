/** The egress ledger's sum is what a counting relay in front of the coordinator saw, byte for byte. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@consilium/protos/clock.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { openEgress } from '@consilium/site-agent/link/egress.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Relay, startRelay } from '../../support/relay.ts'
import { memoryLedger, startWireFixture, until, type WireFixture } from '../../support/wire-fixture.ts'

let wire: WireFixture
let relay: Relay
let folder: string
beforeEach(async () => {
  wire = await startWireFixture()
  relay = await startRelay(wire.server.port)
  folder = mkdtempSync(join(tmpdir(), 'consilium-egress-'))
})
afterEach(async () => {
  await wire.stop()
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

const study = 'cd'.repeat(32)
const planHash = 'ab'.repeat(32)

test('a whole session is in the ledger to the byte: join, presence, decision, download, upload', async () => {
  const ledger = memoryLedger()
  const joined = await wire.joinSite('site-a', ledger, relay.port)
  await relay.quiet()
  expect(ledger.total()).toBe(relay.total('toServer'))

  const link = wire.linkOf(joined, ledger)
  const stop = new AbortController()
  const attending = link.attend({
    onUp: () => link.send({ type: 'progress', planHash, quarters: 2 }, study),
    onDown: () => {},
    onMessage: () => {},
    signal: stop.signal,
  })
  await until(wire, () => wire.service.streams[0]?.heard.length === 2)
  await link.decide({ studyHash: study, decision: 'approve', reason: 'ours', signature: randomBytes(64) })
  const object = randomBytes(3_000_000)
  wire.service.objects.set(sha256Hex(object), object)
  const wanted = { sha256: sha256Hex(object), bytesMax: object.length, path: join(folder, 'object'), study }
  await link.fetch({ ...wanted, signal: stop.signal })
  expect(readFileSync(join(folder, 'object')).equals(object)).toBe(true)
  const update = randomBytes(2_500_000)
  writeFileSync(join(folder, 'update'), update)
  await link.upload({ planHash, path: join(folder, 'update'), study, onProgress: () => {}, signal: stop.signal })
  expect(Buffer.from(wire.service.staged.get(`site-a/${planHash}`)!).equals(update)).toBe(true)
  stop.abort()
  await attending
  await link.close()
  await relay.quiet()

  expect(ledger.total()).toBe(relay.total('toServer'))
  const kinds = new Set(ledger.records.map(({ kind }) => kind))
  expect([...kinds].sort()).toEqual(
    ['decision', 'fetch', 'hello', 'join', 'progress', 'transport', 'upload', 'upload-offset'].sort(),
  )
  const forStudy = new Set(ledger.records.flatMap((record) => (record.study === study ? [record.kind] : [])))
  expect([...forStudy].sort()).toEqual(['decision', 'fetch', 'progress', 'upload', 'upload-offset'])
  const uploaded = ledger.records.filter(({ kind }) => kind === 'upload')
  const payload = uploaded.reduce((sum, { bytes }) => sum + bytes, 0)
  expect(payload).toBeGreaterThan(update.length)
  expect(payload).toBeLessThan(update.length + 500)
})

test('two sites at once have a ledger each, and together they are what passed the relay', async () => {
  const ledgers = [memoryLedger(), memoryLedger()]
  const relays = [relay, await startRelay(wire.server.port)]
  await Promise.all(
    relays.map(async (ownRelay, i) => {
      const joined = await wire.joinSite(`site-${i}`, ledgers[i]!, ownRelay.port)
      const link = wire.linkOf(joined, ledgers[i]!)
      writeFileSync(join(folder, `update-${i}`), randomBytes(700_000 * (i + 1)))
      const path = join(folder, `update-${i}`)
      await link.upload({ planHash, path, study, onProgress: () => {}, signal: new AbortController().signal })
      await link.close()
      await ownRelay.quiet()
    }),
  )
  expect(ledgers.map((ledger) => ledger.total())).toEqual(relays.map((ownRelay) => ownRelay.total('toServer')))
  await relays[1]!.close()
})

test('every message is in the ledger before the coordinator has it', async () => {
  const ledger = memoryLedger()
  const joined = await wire.joinSite('site-a', ledger)
  const link = wire.linkOf(joined, ledger)
  const { decide } = wire.service
  let enteredAtArrival: string[] = []
  wire.service.decide = (caller, decision) => {
    enteredAtArrival = ledger.records.map(({ kind }) => kind)
    return decide(caller, decision)
  }
  await link.decide({ studyHash: study, decision: 'reject', reason: '', signature: randomBytes(64) })
  expect(enteredAtArrival).toContain('decision')
})

test('after a cut the ledger shows at least what left', async () => {
  const ledger = memoryLedger()
  const cutting = await startRelay(wire.server.port, {
    cut: (connection) => (connection === 2 ? { direction: 'toServer', afterBytes: 600_000 } : undefined),
  })
  const joined = await wire.joinSite('site-a', ledger, cutting.port)
  const link = wire.linkOf(joined, ledger)
  writeFileSync(join(folder, 'update'), randomBytes(2_000_000))
  const path = join(folder, 'update')
  await link.upload({ planHash, path, study, onProgress: () => {}, signal: new AbortController().signal })
  await link.close()
  await cutting.quiet()
  expect(cutting.connections.filter(({ cut }) => cut)).toHaveLength(1)
  expect(ledger.total()).toBeGreaterThanOrEqual(cutting.total('toServer'))
  await cutting.close()
})

test('a socket that connects once everything has ended is cut: nothing could count it any more', async () => {
  const egress = openEgress(memoryLedger(), systemClock)
  await egress.allClosed(1_000)
  const late = new Socket()
  egress.watch(late)
  expect(late.destroyed).toBe(true)
})
