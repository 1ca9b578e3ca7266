/**
 * The heart-disease federation for tests: the real hospitals where this machine has their records, or the generated
 * cohort, and the same rows read independently of the product for central training.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Study } from '@consilium/protos/plan/study.ts'
import { splitter } from '@consilium/site-agent/data/split.ts'
import { studyKeys } from '@consilium/site-agent/data/study-keys.ts'
import { type HeartData, heartData } from '../../scripts/demo/heart-data.ts'
import { writeHeartFederation } from '../../scripts/demo/heart-federation.ts'
import { simulatedSecret } from '../../scripts/simulate/simulated-secret.ts'
import type { Rows } from './logistic-regression.ts'

const root = dirname(dirname(import.meta.dirname))

/** The folder with the real data; undefined where this machine has none. */
export const realDataFolder = [process.env.CONSILIUM_DATA, join(dirname(root), 'shared', 'data')].find(
  (folder) => folder !== undefined && existsSync(join(folder, 'heart-disease', 'split.csv')),
)

export const skipWithoutRealData = !realDataFolder
if (skipWithoutRealData) console.log('skipped: tests on the real hospitals (no heart-disease folder in CONSILIUM_DATA)')

export async function testHeartData(choice: 'folder' | 'synthetic'): Promise<HeartData> {
  return heartData({
    choice,
    folder: realDataFolder,
    cacheFolder: tmpdir(),
    baseUrl: 'http://127.0.0.1:9/',
    timeoutMs: 1,
    say: () => undefined,
  })
}

export type HeartFolder = AsyncDisposable & { readonly folder: string; readonly data: HeartData }

/** A federation folder in a temporary place. `hashSplit` leaves the benchmark's split out. */
export async function heartFolder(
  choice: 'folder' | 'synthetic',
  { rounds = 3, seed = 0, steps = 100, hashSplit = false } = {},
): Promise<HeartFolder> {
  const { split, ...rest } = await testHeartData(choice)
  const data: HeartData = hashSplit || !split ? rest : { ...rest, split }
  const folder = await mkdtemp(join(tmpdir(), 'consilium-heart-'))
  await writeHeartFederation(folder, data, { seed, rounds, steps })
  return {
    folder,
    data,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

export type SplitRows = { readonly train: Rows; readonly test: Rows }

/** Each hospital's complete rows with the benchmark's 13 columns, split as the study says. */
export function preparedRows(data: HeartData, study: Study): Map<string, SplitRows> {
  const benchmark = benchmarkSplit(data)
  return new Map(
    data.files.map(({ site, bytes }) => {
      const byHash = splitter(study, studyKeys(simulatedSecret(site), '', study).split)
      const sides = { train: { features: [], labels: [] }, test: { features: [], labels: [] } } as MutableSplit
      linesOf(bytes).forEach((line, row) => {
        const prepared = prepare(line)
        const side = benchmark ? benchmark.get(`${site},${row}`) : byHash(`${site}-${row}`)
        if (!prepared || (side !== 'train' && side !== 'test')) return
        sides[side].features.push(prepared.features)
        sides[side].labels.push(prepared.label)
      })
      return [site, sides]
    }),
  )
}

export function pooled(rows: Iterable<Rows>): Rows {
  const all = [...rows]
  return { features: all.flatMap(({ features }) => features), labels: all.flatMap(({ labels }) => labels) }
}

type MutableSplit = Record<'train' | 'test', { features: number[][]; labels: number[] }>

function prepare(line: string): { features: number[]; label: number } | undefined {
  const cells = line.split(',')
  const kept = cells.filter((_, i) => i < 10 || i === 13)
  if (kept.length !== 11 || kept.includes('?')) return undefined
  const [age, sex, cp, pressure, cholesterol, sugar, ecg, rate, angina, depression, num] = kept.map(Number) as [
    ...Array<number>,
  ] & { length: 11 }
  const oneHot = (value: number | undefined, levels: number[]) => levels.map((level) => (value === level ? 1 : 0))
  const numbers = [age, sex, pressure, cholesterol, sugar, rate, angina, depression].map((value) => value ?? Number.NaN)
  return { features: [...numbers, ...oneHot(cp, [2, 3, 4]), ...oneHot(ecg, [1, 2])], label: (num ?? 0) > 0 ? 1 : 0 }
}

function benchmarkSplit({ split }: HeartData): Map<string, string> | undefined {
  if (!split) return undefined
  return new Map(linesOf(split).map((line) => [line.split(',').slice(0, 2).join(','), line.split(',')[2] ?? '']))
}

function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString('latin1').split(/\r?\n/).filter(Boolean)
}
