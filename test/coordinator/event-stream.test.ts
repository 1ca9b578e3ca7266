/** Changes of a stream are decided one after the other, and nothing is true before it is in the log. */
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import { openMerkleTree, verifyConsistency, verifyInclusion } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import { openEventStream } from '../../coordinator/event-stream.ts'
import type { EventLog } from '../../coordinator/store/event-log.ts'
import { openMemoryEventLog } from '../../coordinator/store/memory-event-log.ts'

const open = (log: EventLog, failures: Error[] = [], evolve = (sum: number, added: number) => sum + added) =>
  openEventStream<number, number>({
    log,
    stream: 'run/a',
    initial: 0,
    evolve,
    toEntry: (added) => ({ type: 'added', at: '2026-11-22T10:00:00.000Z', body: { added } }),
    fromEntry: ({ body }: LogEntry) => Number(body.added),
    onFailure: (error) => failures.push(error),
  })

test('each change sees what all before it led to, also where deciding takes time', async () => {
  const stream = await open(openMemoryEventLog())
  const seen: number[] = []
  await Promise.all(
    [3, 1, 2].map((turns) =>
      stream.change(async (sum) => {
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        seen.push(sum)
        return [1]
      }),
    ),
  )
  expect(seen).toEqual([0, 1, 2])
  expect([stream.state, stream.length]).toEqual([3, 3])
})

test('opened again, the state is the fold of the log', async () => {
  const log = openMemoryEventLog()
  const first = await open(log)
  await first.change(() => [1, 2])
  await first.change(() => [])
  const second = await open(log)
  expect([second.state, second.length, second.head]).toEqual([3, 2, first.head])
})

test('a change that is refused changes nothing, and the next one goes on', async () => {
  const stream = await open(openMemoryEventLog())
  await expect(stream.change(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await stream.change(() => [5])).toEqual([5])
  expect(stream.state).toBe(5)
})

/** How many entries each append had. */
function counted(log: EventLog): EventLog & { readonly appends: number[] } {
  const appends: number[] = []
  return {
    ...log,
    appends,
    append(stream, length, entries) {
      appends.push(entries.length)
      return log.append(stream, length, entries)
    },
  }
}

test('what comes together is decided one after the other and appended as one; what goes alone sees all before it in the log', async () => {
  const log = counted(openMemoryEventLog())
  const stream = await open(log)
  const sizes: number[] = []
  const alone = () =>
    stream.change(() => {
      sizes.push(stream.logHead().size)
      return [10]
    })
  const seen: number[] = []
  const together = () =>
    stream.changeTogether((sum) => {
      seen.push(sum)
      return [1]
    })
  await Promise.all([together(), together(), together(), alone(), alone(), together(), together()])
  expect(log.appends).toEqual([3, 1, 1, 2])
  expect(sizes).toEqual([3, 4])
  expect(seen).toEqual([0, 1, 2, 23, 24])
  expect([stream.state, stream.length]).toEqual([25, 7])
})

test('one of those that come together is refused alone', async () => {
  const log = counted(openMemoryEventLog())
  const stream = await open(log)
  const no = () => Promise.reject(new Error('no'))
  const results = await Promise.allSettled([
    stream.changeTogether(() => [1]),
    stream.changeTogether(no),
    stream.changeTogether((sum) => [sum + 1]),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect([log.appends, stream.state]).toEqual([[2], 3])
})

test('an event that does not fit is refused with its whole decision, and nothing of that is in the log', async () => {
  const log = counted(openMemoryEventLog())
  const onlyPositive = (sum: number, added: number) => {
    if (added < 0) throw new Error('it goes down')
    return sum + added
  }
  const stream = await open(log, [], onlyPositive)
  const results = await Promise.allSettled([
    stream.changeTogether(() => [1]),
    stream.changeTogether(() => [10, -1]),
    stream.changeTogether((sum) => [sum]),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect([log.appends, stream.state]).toEqual([[2], 2])
})

test('of those that come together none is true before all are durable, and none is where the append failed', async () => {
  const failures: Error[] = []
  const held = openMemoryEventLog()
  let length = -1
  const log: EventLog = {
    ...held,
    append() {
      length = stream.length
      return Promise.reject(new Error('disk full'))
    },
  }
  const stream = await open(log, failures)
  const results = await Promise.allSettled([1, 2].map((added) => stream.changeTogether(() => [added])))
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([length, stream.state, stream.length, failures.length]).toEqual([0, 0, 0, 1])
})

test('after an append that failed nothing more is decided: what is in the log is unknown', async () => {
  const failures: Error[] = []
  const log = openMemoryEventLog()
  const stream = await open({ ...log, append: () => Promise.reject(new Error('disk full')) }, failures)
  await expect(stream.change(() => [1])).rejects.toThrow('disk full')
  await expect(stream.change(() => [])).rejects.toThrow('disk full')
  expect(stream.state).toBe(0)
  expect(failures).toHaveLength(1)
})

test('its head is the Merkle tree hash of what is durable, also opened again', async () => {
  const log = openMemoryEventLog()
  const stream = await open(log)
  const heads = [stream.logHead()]
  for (const added of [1, 2, 3, 4, 5]) {
    await stream.change(() => [added])
    heads.push(stream.logHead())
  }
  expect(heads.map(({ size }) => size)).toEqual([0, 1, 2, 3, 4, 5])
  const tree = openMerkleTree()
  expect(heads[0]!.root).toBe(Buffer.from(tree.root()).toString('hex'))
  for await (const entry of log.read('run/a')) {
    tree.append(entryLeaf(entry))
    expect(heads[entry.seq + 1]!.root).toBe(Buffer.from(tree.root()).toString('hex'))
  }
  expect((await open(log)).logHead()).toEqual(heads[5])
})

test('it proves that a head extends an earlier one and that an entry stands below it', async () => {
  const stream = await open(openMemoryEventLog())
  await stream.change(() => [1, 2, 3])
  const old = stream.logHead()
  await stream.change(() => [4, 5])
  const grown = stream.logHead()
  const inBytes = (head: { size: number; root: string }) => ({ size: head.size, root: Buffer.from(head.root, 'hex') })
  expect(verifyConsistency(inBytes(old), inBytes(grown), stream.consistency(3, 5))).toBe(true)
  const entry = await stream.entry(1)
  expect(entry.body).toEqual({ added: 2 })
  const { size, root } = inBytes(grown)
  const path = stream.inclusion(1, 5)
  expect(verifyInclusion({ leaf: entryLeaf(entry), index: 1, size, path, root })).toBe(true)
  await expect(stream.entry(5)).rejects.toMatchObject({ code: 'log-broken' })
})

test('an append that failed is not in the head', async () => {
  const log = openMemoryEventLog()
  const stream = await open({ ...log, append: () => Promise.reject(new Error('disk full')) })
  await expect(stream.change(() => [1])).rejects.toThrow('disk full')
  expect(stream.logHead().size).toBe(0)
})
