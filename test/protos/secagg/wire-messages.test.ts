/** Every message of a secure round, over the wire and back, and every way in which one of its fields can be out of bounds. */
import type { FromSite } from '@consilium/protos/gen/consilium/v1/FromSite.ts'
import type { ToSite } from '@consilium/protos/gen/consilium/v1/ToSite.ts'
import { messageBytesMax, replayBytesMax, sumInlineBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { MaskedInput, SecureFromSite, SecureToSite } from '@consilium/protos/secagg/messages.ts'
import type { Replay } from '@consilium/protos/secagg/replay.ts'
import {
  readMaskedInput,
  readSecureFromSite,
  readSecureToSite,
  wireMaskedInput,
  wireSecureFromSite,
  wireSecureToSite,
} from '@consilium/protos/secagg/wire-messages.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const { Attend, Upload } = federationTypes().Federation.service
const planHash = 'ab'.repeat(32)
const filled = (length: number, value = 1) => Buffer.alloc(length, value)
const signature = filled(64, 9)
const indices = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const committed = { keyCommitment: filled(32, 2), selfCommitment: filled(32, 3) }

/** One of each, among this many sites. */
function fromSites(sites: number): SecureFromSite[] {
  const rows = indices(sites).map((index) => ({ index, ...committed, sealed: filled(index === 2 ? 0 : 136) }))
  const revealed = indices(sites).map((index) => ({ index, kind: index % 2 ? 'b' : 's', share: filled(32) }) as const)
  return [
    { type: 'advertise', planHash, body: filled(256), signature },
    { type: 'share-keys', planHash, selfCommitment: filled(32, 4), groupCommitment: filled(32, 7), rows, signature },
    { type: 'complaint', planHash, against: sites, reason: 'share-does-not-open', signature },
    { type: 'complaint', planHash, against: 1, reason: 'share-differs-from-commitment', signature },
    { type: 'complaint', planHash, against: 1, reason: 'group-differs-from-commitment', signature },
    { type: 'confirm', planHash, signature },
    { type: 'unmask', planHash, revealed, signature },
  ]
}

function toSites(sites: number): SecureToSite[] {
  const advertised = indices(sites).map((index) => ({ index, body: filled(256), signature }))
  const sharers = indices(sites).map((index) => ({ index, shareKeysHash: filled(32, 5), signature }))
  const received = indices(sites).map((index) => {
    return { index, ...committed, sealed: filled(136), groupCommitment: filled(32, 7) }
  })
  const survivors = indices(sites).map((index) => ({ index, root: filled(32, 6), signature }))
  const confirmations = indices(sites).map((index) => ({ index, signature }))
  return [
    { type: 'advertise-keys', planHash },
    { type: 'directory', planHash, sites: advertised },
    { type: 'shares', planHash, sharers, received },
    { type: 'survivors', planHash, survivors, logHead: { size: 2 ** 40, root: 'cd'.repeat(32) } },
    { type: 'quorum', planHash, confirmations },
    { type: 'verify-sum', planHash, sums: 'cd'.repeat(32), made: 'ef'.repeat(32), words: filled(sumInlineBytesMax) },
    { type: 'verify-sum', planHash, sums: 'cd'.repeat(32), made: 'ef'.repeat(32), replay: replayOf(sites) },
  ]
}

/** As long as it may be, with one dropout. */
function replayOf(sites: number): Replay {
  const upload = filled(Math.floor(replayBytesMax / sites), 8)
  return {
    selfSeeds: indices(sites).map(() => filled(32)),
    maskSecretKeys: [filled(32, 2)],
    uploads: indices(sites).map(() => upload),
  }
}

/** Undefined where the bytes are no message at all. */
function unlessNoMessage<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const masked: MaskedInput = { root: filled(32), vectorHashes: [filled(32, 2), filled(32, 3)], signature }

const overTheWire = (wire: FromSite) => Attend.requestDeserialize(Attend.requestSerialize(wire))
const overTheWireDown = (wire: ToSite) => Attend.responseDeserialize(Attend.responseSerialize(wire))

describe('a message of a secure round', () => {
  test.for([3, 255].flatMap((sites) => fromSites(sites).map((message) => [message.type, sites, message] as const)))(
    'from a site arrives as it was sent: %s among %i',
    ([, , message]) => {
      expect(readSecureFromSite(overTheWire(wireSecureFromSite(message)))).toEqual(message)
    },
  )

  test.for([3, 255].flatMap((sites) => toSites(sites).map((message) => [message.type, sites, message] as const)))(
    'to a site arrives as it was sent: %s among %i',
    ([, , message]) => {
      expect(readSecureToSite(overTheWireDown(wireSecureToSite(message)))).toEqual(message)
    },
  )

  test('fits into a message for the largest cohort many times over, with the uploads of a round three times', () => {
    const down = (message: SecureToSite) => Attend.responseSerialize(wireSecureToSite(message)).length
    const isReplay = (message: SecureToSite) => message.type === 'verify-sum' && message.replay !== undefined
    const bytes = [
      ...fromSites(255).map((message) => Attend.requestSerialize(wireSecureFromSite(message)).length),
      ...toSites(255)
        .filter((message) => !isReplay(message))
        .map(down),
    ]
    expect(Math.max(...bytes)).toBeLessThan(messageBytesMax / 10)
    expect(Math.max(...toSites(255).map(down))).toBeLessThan(messageBytesMax / 3)
  })

  test('with any byte changed on its way is read as a message or refused as one, and nothing else goes wrong', () => {
    const up = (bytes: Buffer) => {
      const wire = Attend.requestDeserialize(bytes)
      return () => readSecureFromSite(wire)?.type
    }
    const down = (bytes: Buffer) => {
      const wire = Attend.responseDeserialize(bytes)
      return () => readSecureToSite(wire)?.type
    }
    const serialised = [
      ...fromSites(3).map((message) => [up, Attend.requestSerialize(wireSecureFromSite(message))] as const),
      ...toSites(3).map((message) => [down, Attend.responseSerialize(wireSecureToSite(message))] as const),
    ]
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(fc.constantFrom(...serialised), fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, mask) => {
        const [decode, bytes] = one
        const changed = Buffer.from(bytes)
        // Lengths and tags are few among the bytes, and stand near the start of a message.
        const position = at % 2 === 0 ? at % bytes.length : at % Math.min(bytes.length, 50)
        changed[position]! ^= mask
        const read = unlessNoMessage(() => decode(changed))
        if (read === undefined) return
        try {
          outcomes.add(read() ?? 'none')
        } catch (error) {
          expect(error).toMatchObject({ code: 'message-invalid' })
          outcomes.add('refused')
        }
      }),
      { numRuns: 2000 },
    )
    expect(outcomes).toContain('refused')
    expect(outcomes.size).toBeGreaterThan(8)
  })

  test('is none where another part of the protocol speaks', () => {
    expect(readSecureFromSite(overTheWire({ workDone: { planHash: filled(32) } }))).toBeUndefined()
    expect(readSecureToSite(overTheWireDown({ collectUpdates: { planHash: filled(32) } }))).toBeUndefined()
  })
})

describe('what a site signed about its masked vectors', () => {
  /** In the header of an upload. */
  const arrived = (wire: object) => {
    const part = { header: { masked: { ...wireMaskedInput(masked), ...wire } } }
    return Upload.requestDeserialize(Upload.requestSerialize(part)).header!.masked!
  }

  test('arrives as it was sent', () => {
    expect(readMaskedInput(arrived({}))).toEqual(masked)
  })

  test.for([
    ['root', { root: filled(31) }],
    ['vector_hashes', { vectorHashes: [] }],
    ['vector_hashes', { vectorHashes: Array(5).fill(filled(32)) }],
    ['vector_hashes[1]', { vectorHashes: [filled(32), filled(33)] }],
    ['signature', { signature: filled(63) }],
  ] as const)('is refused for a bad %s', ([field, wrong]) => {
    expect(() => readMaskedInput(arrived(wrong))).toThrow(refusalOf(field))
  })
})

const good = {
  ...Object.assign({}, ...fromSites(3).map(wireSecureFromSite)),
  ...Object.assign({}, ...toSites(3).map(wireSecureToSite)),
} as Record<keyof typeof lists | 'advertise' | 'complaint' | 'confirm' | 'advertiseKeys', Record<string, unknown>>

/** The lists of sites, and what the index is called in them. */
const lists = {
  directory: { sites: 'index' },
  shareKeys: { rows: 'index' },
  shares: { sharers: 'index', received: 'from' },
  survivors: { survivors: 'index' },
  quorum: { confirmations: 'index' },
  unmask: { revealed: 'index' },
} as const

type Kind = keyof typeof good
const fromSite: readonly string[] = ['advertise', 'shareKeys', 'complaint', 'confirm', 'unmask']

/** The message of this kind with some of its fields changed, as the other end reads it. */
function read(kind: Kind, changes: Record<string, unknown>): unknown {
  const wire = { [kind]: { ...good[kind], ...changes } }
  return fromSite.includes(kind) ? readSecureFromSite(overTheWire(wire)) : readSecureToSite(overTheWireDown(wire))
}

function refusalOf(field: string) {
  return expect.objectContaining({ code: 'message-invalid', message: expect.stringContaining(`${field}: expected`) })
}

describe('a message is refused, naming the field,', () => {
  test.for(Object.keys(good) as Kind[])('where its plan hash is short: %s', (kind) => {
    expect(read(kind, {})).toMatchObject({ planHash })
    expect(() => read(kind, { planHash: filled(31) })).toThrow(refusalOf('plan_hash'))
  })

  const single: readonly (readonly [Kind, string, Record<string, unknown>])[] = [
    ['advertise', 'body', { body: filled(0) }],
    ['advertise', 'body', { body: filled(257) }],
    ['advertise', 'signature', { signature: filled(65) }],
    ['shareKeys', 'self_commitment', { selfCommitment: filled(33) }],
    ['shareKeys', 'signature', { signature: filled(63) }],
    ['complaint', 'against', { against: 0 }],
    ['complaint', 'against', { against: 256 }],
    ['complaint', 'reason', { reason: 'because' }],
    ['complaint', 'signature', { signature: filled(0) }],
    ['confirm', 'signature', { signature: filled(63) }],
    ['unmask', 'signature', { signature: filled(63) }],
    ['survivors', 'log_head', { logHead: null }],
    ['survivors', 'log_head.size', { logHead: { size: 2 ** 40 + 1, root: filled(32) } }],
    ['survivors', 'log_head.root', { logHead: { size: 1, root: filled(31) } }],
  ]
  test.for(single)('where a field is out of its bounds: %s %s', ([kind, field, wrong]) => {
    expect(() => read(kind, wrong)).toThrow(refusalOf(field))
  })

  const inItems: readonly (readonly [Kind, string, string, Record<string, unknown>])[] = [
    ['directory', 'sites', 'body', { body: filled(0) }],
    ['directory', 'sites', 'body', { body: filled(257) }],
    ['directory', 'sites', 'signature', { signature: filled(63) }],
    ['shareKeys', 'rows', 'key_commitment', { keyCommitment: filled(31) }],
    ['shareKeys', 'rows', 'self_commitment', { selfCommitment: filled(33) }],
    ['shareKeys', 'rows', 'sealed', { sealed: filled(103) }],
    ['shareKeys', 'rows', 'sealed', { sealed: filled(105) }],
    ['shares', 'sharers', 'share_keys_hash', { shareKeysHash: filled(31) }],
    ['shares', 'sharers', 'signature', { signature: filled(63) }],
    ['shares', 'received', 'key_commitment', { keyCommitment: filled(31) }],
    ['shares', 'received', 'self_commitment', { selfCommitment: filled(0) }],
    ['shares', 'received', 'sealed', { sealed: filled(0) }],
    ['shares', 'received', 'sealed', { sealed: filled(105) }],
    ['survivors', 'survivors', 'root', { root: filled(31) }],
    ['survivors', 'survivors', 'signature', { signature: filled(65) }],
    ['quorum', 'confirmations', 'signature', { signature: filled(63) }],
    ['unmask', 'revealed', 'kind', { kind: 'sb' }],
    ['unmask', 'revealed', 'kind', { kind: '' }],
    ['unmask', 'revealed', 'share', { share: filled(31) }],
  ]
  test.for(inItems)('where one of its sites has a bad field: %s %s %s', ([kind, list, field, wrong]) => {
    const items = itemsOf(kind, list)
    const changed = items.with(1, { ...items[1], ...wrong })
    expect(() => read(kind, { [list]: changed })).toThrow(refusalOf(`${list}[1].${field}`))
  })

  const allLists = Object.entries(lists).flatMap(([kind, named]) =>
    Object.entries(named).map(([list, index]) => ({ kind: kind as Kind, list, index })),
  )
  test.for(allLists)('where its sites are none, too many, out of order or no sites: $kind $list', (one) => {
    const { kind, list, index } = one
    const [first, second, third] = itemsOf(kind, list)
    const readWith = (items: readonly unknown[]) => () => read(kind, { [list]: items })
    const numbered = (numbers: readonly number[]) => numbers.map((number) => ({ ...first, [index]: number }))
    expect(readWith(numbered(indices(255)))()).toHaveProperty([list, 'length'], 255)
    expect(readWith([])).toThrow(refusalOf(list))
    expect(readWith(numbered([...indices(255), 255]))).toThrow(refusalOf(list))
    expect(readWith([first, third, second])).toThrow(refusalOf(`${list}[2]`))
    expect(readWith([first, second, second])).toThrow(refusalOf(`${list}[2]`))
    expect(readWith(numbered([0, 1]))).toThrow(refusalOf(`${list}[0].${index}`))
    expect(readWith(numbered([1, 256]))).toThrow(refusalOf(`${list}[1].${index}`))
  })

  function itemsOf(kind: Kind, list: string): Record<string, unknown>[] {
    return good[kind][list] as Record<string, unknown>[]
  }
})
