/**
 * What secure aggregation costs: processor time at one site and at the coordinator against cohort size and parameter count,
 * with and without a dropout; then, apart from it, the transport of a masked upload and the coordinator's memory.
 */
import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'
import { siteMasks } from '@consilium/protos/secagg/mask.ts'
import { addMasks, addVectors } from '@consilium/protos/secagg/mask-stream.ts'
import { sumTagger } from '@consilium/protos/secagg/sum-tags.ts'
import type { BenchOptions, BenchResult } from './main.ts'
import { median, repeated } from './processor-time.ts'
import { measureMemory } from './secagg-memory.ts'
import { type Case, frameWords, playRound } from './secagg-round.ts'
import { measureTransport } from './secagg-transport.ts'

const repeats = 3
/** Larger rounds are played once. */
const repeatedWordsMax = 200_000_000

type Row = Record<string, string | number>

export async function run({ json, full }: BenchOptions): Promise<BenchResult> {
  const say = (text: string) => {
    if (!json) console.error(text)
  }
  playRound({ sites: 4, parameters: 500_000, dropouts: 1 })
  const rows: Row[] = [maskingRow(8, 11_700_000), summingRow(8, 11_700_000), taggingRow(11_700_000)]
  for (const benchCase of full ? fullCases() : quickCases) {
    rows.push(roundRow(benchCase))
    say(`${benchCase.sites} sites, ${benchCase.parameters} parameters, ${benchCase.dropouts} dropouts: done`)
  }
  rows.push(await transportRow(4, full ? 25_000_000 : 5_000_000))
  say('transport: done')
  rows.push(await memoryRow(10, 100_000_000))
  return { name: 'secagg', rows, columns, notes }
}

const columns = [
  'what',
  'sites',
  'parameters',
  'dropouts',
  'site keys s',
  'site s',
  'coordinator s',
  'ns a parameter',
  'elapsed s',
  'MB/s',
  'bytes a parameter',
  'memory MB',
  'limit',
]

/** 10 sites with 10 million parameters and a dropout is the case that has a limit. */
const quickCases: readonly Case[] = [
  ...casesOf([4, 10, 50], [100_000, 1_000_000]),
  { sites: 10, parameters: 10_000_000, dropouts: 1 },
]

function fullCases(): Case[] {
  return casesOf([4, 10, 20, 50, 100, 200], [100_000, 1_000_000, 10_000_000])
}

function casesOf(cohorts: readonly number[], parameterCounts: readonly number[]): Case[] {
  return cohorts.flatMap((sites) =>
    parameterCounts.flatMap((parameters) => [0, 1].map((dropouts) => ({ sites, parameters, dropouts }))),
  )
}

function roundRow(benchCase: Case): Row {
  const { sites, parameters, dropouts } = benchCase
  const times = sites * parameters > repeatedWordsMax ? 1 : repeats
  const costs = Array.from({ length: times }, () => playRound(benchCase))
  const hasLimit = sites === 10 && parameters === 10_000_000 && dropouts === 1
  return {
    what: 'round',
    ...benchCase,
    'site keys s': median(costs.map(({ keys }) => keys)),
    'site s': median(costs.map(({ keys, site }) => keys + site)),
    'coordinator s': median(costs.map(({ coordinator }) => coordinator)),
    ...(hasLimit && { limit: 'site 0.35 s, coordinator 0.8 s' }),
  }
}

/** A site's vector masked among `sites`, quantised beforehand. */
function maskingRow(sites: number, parameters: number): Row {
  const pairs = new Map(Array.from({ length: sites - 1 }, (_, i) => [i + 2, randomBytes(32)]))
  const masks = siteMasks({ index: 1, self: randomBytes(32), pairs }, 'update', new Uint8Array(32).fill(2))
  const words = new Int32Array(parameters)
  const seconds = repeated(2 * repeats + 1, () => addMasks(words, masks, 0))
  return { what: 'masking alone', sites, parameters, 'site s': seconds, limit: 'site 0.5 s' }
}

function summingRow(sites: number, parameters: number): Row {
  const uploads = Array.from({ length: sites }, (_, i) => new Int32Array(parameters).fill(i + 1))
  const sum = new Int32Array(parameters)
  const seconds = repeated(2 * repeats + 1, () => {
    for (let from = 0; from < parameters; from += frameWords)
      addVectors(
        sum.subarray(from, from + frameWords),
        uploads.map((words) => words.subarray(from, from + frameWords)),
      )
  })
  return { what: 'sum alone', sites, parameters, 'coordinator s': seconds, limit: 'coordinator 0.15 s' }
}

/** What a site pays for the tags of its own update, and again to check a sum: the same pass over as many words. */
function taggingRow(parameters: number): Row {
  const words = Int32Array.from({ length: parameters }, (_, i) => Math.imul(i, 0x9e3779b1))
  const [group, sid] = [randomBytes(32), randomBytes(32)]
  const seconds = repeated(2 * repeats + 1, () => sumTagger(group, sid).add(words, 'centred'))
  return {
    what: 'tags of a sum',
    parameters,
    'site s': seconds,
    'ns a parameter': Number(((seconds / parameters) * 1e9).toFixed(1)),
    limit: '25 ns a parameter',
  }
}

async function transportRow(sites: number, parameters: number): Promise<Row> {
  const { seconds, wireBytes } = await measureTransport(sites, parameters)
  return {
    what: 'transport',
    sites,
    parameters,
    'elapsed s': Number(seconds.toFixed(2)),
    'MB/s': Math.round((sites * 4 * parameters) / 1e6 / seconds),
    'bytes a parameter': Number((wireBytes / parameters).toFixed(4)),
    limit: '4.08 bytes a parameter',
  }
}

async function memoryRow(sites: number, parameters: number): Promise<Row> {
  const { seconds, residentBytesMax } = await measureMemory(sites, parameters)
  return {
    what: 'coordinator memory',
    sites,
    parameters,
    'elapsed s': Number(seconds.toFixed(1)),
    'memory MB': Math.round(residentBytesMax / 1e6),
    limit: 'memory 400 MB',
  }
}

const notes = [
  `Arithmetic is processor time (user and system, all threads) in one process, median of ${repeats} (one of the largest); ${cpus()[0]?.model ?? 'unknown processor'}.`,
  'Site: key agreement, sealing and opening shares, signing and verifying (site keys), then clipping, quantising with stochastic rounding, masking, SHA-256. Coordinator: verifying every signature, SHA-256 of every upload, sums, rebuilding secrets, taking masks off, the weighted mean. Files and events are not in it.',
  'Tags of a sum: what a site pays to tag its own update, and as much again to check a sum (four of them a parameter).',
  'Transport: that many sites upload masked vectors at the same time through the real link and listener, over loopback with mutual TLS, all in this process; elapsed time, and all bytes of one TCP connection (TLS, HTTP/2 and headers too) over the parameters.',
  'Coordinator memory: the largest resident size of a process that adds and unmasks so many uploads into new parameters, chunk by chunk through the real code and object store; the uploads are made as they are read.',
]
