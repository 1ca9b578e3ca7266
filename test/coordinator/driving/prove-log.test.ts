/** Proofs of a run's log: for sites that have a part in the run, and of no more than the log has. */
import { canonicalJson } from '@consilium/protos/hash.ts'
import { verifyConsistency, verifyInclusion } from '@consilium/protos/log/merkle.ts'
import { readModelEntry } from '@consilium/protos/log/model-entry.ts'
import { beforeAll, expect, test } from 'vitest'
import { proofOf, proveLog } from '../../../coordinator/driving/prove-log.ts'
import { type EventStream, openEventStream } from '../../../coordinator/event-stream.ts'
import { emptyFederation, type Federation, type StudyRecord } from '../../../coordinator/federation/federation.ts'
import type { Run } from '../../../coordinator/run/state.ts'
import { openMemoryEventLog } from '../../../coordinator/store/memory-event-log.ts'

const run = 'heart-1'
const study = 'ab'.repeat(32)
const parameters = 'cd'.repeat(32)

let stream: EventStream<number, string>
beforeAll(async () => {
  stream = await openEventStream<number, string>({
    log: openMemoryEventLog(),
    stream: `run/${run}`,
    initial: 0,
    evolve: (count) => count + 1,
    toEntry: (type) => ({
      type,
      at: '2026-11-22T10:00:00.000Z',
      body: type === 'round-committed' ? { result: { purpose: 'train', parameters } } : {},
    }),
    fromEntry: ({ type }) => type,
    onFailure: () => {},
  })
  await stream.change(() => ['run-started', 'round-started', 'work-done', 'round-committed'])
})

const headAt = async (size: number) => {
  const longer = await openEventStream<number, string>({
    log: { ...openMemoryEventLog(), read: () => entries(size) },
    stream: `run/${run}`,
    initial: 0,
    evolve: (count) => count + 1,
    toEntry: () => ({ type: 'never', at: '', body: {} }),
    fromEntry: ({ type }) => type,
    onFailure: () => {},
  })
  return { size, root: Buffer.from(longer.logHead().root, 'hex') }
}

async function* entries(count: number) {
  for (let seq = 0; seq < count; seq++) yield stream.entry(seq)
}

test('a proof holds against the heads it is of', async () => {
  const proof = await proofOf(stream, { run, oldSize: 2, newSize: 4, seq: 3 })
  const [old, grown] = [await headAt(2), await headAt(4)]
  expect(verifyConsistency(old, grown, proof.consistency)).toBe(true)
  const read = readModelEntry(proof.entry!, run, 3)
  expect(read).toMatchObject({ made: 'trained', parameters })
  expect(verifyInclusion({ leaf: read.leaf, index: 3, path: proof.inclusion, ...grown })).toBe(true)
  expect(Buffer.from(proof.entry!)).toEqual(canonicalJson(await stream.entry(3)))
})

test('for a site without a head only the entry is proven, and where none is asked for, nothing', async () => {
  expect((await proofOf(stream, { run, oldSize: 0, newSize: 3, seq: 0 })).consistency).toEqual([])
  expect(await proofOf(stream, { run, oldSize: 0, newSize: 3 })).toEqual({ consistency: [], inclusion: [] })
})

test.for([
  [{ oldSize: 0, newSize: 5 }],
  [{ oldSize: 4, newSize: 3 }],
  [{ oldSize: 0, newSize: 3, seq: 3 }],
  [{ oldSize: 0, newSize: 0, seq: 0 }],
  [{ oldSize: -1, newSize: 3 }],
  [{ oldSize: 0.5, newSize: 3 }],
  [{ oldSize: 0, newSize: Number.MAX_SAFE_INTEGER + 1 }],
  [{ oldSize: 0, newSize: 3, seq: -1 }],
] as const)('a log of 4 entries does not prove %j', async ([request]) => {
  await expect(proofOf(stream, { run, ...request })).rejects.toMatchObject({ code: 'invalid-argument' })
})

const runOf = (fields: Partial<Run>) => ({ study, past: [], ...fields }) as unknown as Run
const decided = (decision: 'approve' | 'reject' | 'refused'): Federation => {
  const decisions: StudyRecord['decisions'] = new Map([['basel', { decision, reason: '', at: '' }]])
  return { ...emptyFederation, studies: new Map([[study, { hash: study, decisions } as unknown as StudyRecord]]) }
}
const ask = (state: Federation, open: Run, of = run) =>
  proveLog({ stream: { state }, runs: new Map([[run, { run: open, prove: (r) => proofOf(stream, r) }]]) }, 'basel', {
    run: of,
    oldSize: 0,
    newSize: 4,
  })

test.for([
  ['that approved the study', decided('approve'), runOf({})],
  ['of an earlier cohort', decided('refused'), runOf({ past: [{ cohort: ['basel'] }] as unknown as Run['past'] })],
  [
    'of the cohort at work',
    emptyFederation,
    runOf({ current: { phase: 'work', cohort: ['basel'] } as unknown as NonNullable<Run['current']> }),
  ],
] as const)('a site %s is answered', async ([, federation, open]) => {
  expect(await ask(federation, open)).toEqual({ consistency: [], inclusion: [] })
})

test.for([
  ['that never decided', emptyFederation, run],
  ['that rejected the study', decided('reject'), run],
  ['that asks for a run that is not there', decided('approve'), 'heart-2'],
] as const)('a site %s learns not even whether the run exists', async ([, federation, of]) => {
  await expect(ask(federation, runOf({}), of)).rejects.toMatchObject({
    code: 'not-found',
    message: `site basel has no part in a run ${of}`,
  })
})
