/**
 * A lead whose study takes one step on four rows a round, and barely moves the model: round after round the sum is that of
 * other rows, and who knows which rows they were solves for each of them. The order hangs on the site secret, so that a lead
 * who works it out from all that the study says finds diagnoses no more often than by tossing a coin. The lead is left with
 * the sums; a policy asks for ten steps and a hundred rows besides, unless a person accepts fewer, as here.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { batchSource } from '@consilium/site-agent/train/row-order.ts'
import { expect, test } from 'vitest'
import { studyKeys } from '../../../site-agent/data/study-keys.ts'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { type HeartRecord, heartStudy, hearts } from '../../support/hostile/heart.ts'

const rowsOfSite = 8
const rounds = 36
const batchSize = 4
const learningRate = 1e-3

test.skipIf(skipWithoutRealData)(
  'who has a site’s secret reads every diagnosis (control), who has not reads none',
  async () => {
    // Of each hospital four patients who are ill and four who are not.
    const taken = new Map<string, number>()
    const {
      names = [],
      records,
      ...lies
    } = await hearts(({ disease }, site) => {
      const kind = `${site} ${disease}`
      const count = (taken.get(kind) ?? 0) + 1
      taken.set(kind, count)
      return count <= rowsOfSite / 2
    })
    await using federation = await hostileFederation({ names, ...lies })
    const study = await federation.create({
      ...heartStudy,
      features: [
        { name: 'male', type: 'boolean' },
        { name: 'exercise_angina', type: 'boolean', missing: { value: false } },
      ],
      split: { by: 'hash', key: 'record', testFraction: 0 },
      standardisation: 'none',
      optimizer: { name: 'sgd', learningRate },
      localTraining: { steps: 1, batchSize },
      aggregation: { mode: 'secure', weights: 'uniform', weightMax: 16 },
      updateNormMax: 0.01,
      rounds,
    })
    const { run, state } = await federation.ended(await federation.startRun(study))
    expect(state).toBe('finished')
    const sums = await biasOfSums(federation, run)
    expect(sums).toHaveLength(rounds)
    const diagnoses = names.flatMap((name) => [...records.get(name)!].sort(canonical).map(({ disease }) => disease))
    const right = (secretOf: (site: string) => Uint8Array) => {
      const found = solve(orders(federation, study, names, secretOf), sums)
      return found.filter((diagnosis, i) => diagnosis === diagnoses[i]).length
    }
    expect(diagnoses).toHaveLength(4 * rowsOfSite)
    expect(right((site) => federation.joined.get(site)!.secret)).toBe(diagnoses.length)
    expect(right((site) => Buffer.alloc(32, site))).toBeLessThan(0.85 * diagnoses.length)
  },
)

/** As agents order rows: by every column that the study reads. */
function canonical(one: HeartRecord, other: HeartRecord): number {
  return one.male - other.male || one.exercise_angina - other.exercise_angina || one.disease - other.disease
}

/** Which rows of all sites were in which round's sum, worked out from these secrets: 1 where one was. */
function orders(
  { manifests }: HostileFederation,
  study: string,
  names: readonly string[],
  secretOf: (site: string) => Uint8Array,
): number[][] {
  return Array.from({ length: rounds }, (_, i) =>
    names.flatMap((name) => {
      const key = studyKeys(secretOf(name), study, manifests.get(study)!.study).order
      const all = Int32Array.from({ length: rowsOfSite }, (_row, row) => row)
      const { order } = batchSource(all, batchSize, { key, round: i + 1 }).next(1)
      return Array.from(all, (row) => (order.includes(BigInt(row)) ? 1 : 0))
    }),
  )
}

/** What each round's step added up to for the bias: a row adds its probability less its diagnosis. */
async function biasOfSums({ objects, entries, manifests }: HostileFederation, run: string): Promise<number[]> {
  const biasOf = async (sha256: string) => new Float32Array(Uint8Array.from(await objects.get(sha256)).buffer).at(-1)!
  const models = (await entries(runStream(run))).flatMap(({ type, body }) => {
    const { purpose, parameters } = (type === 'round-committed' ? body.result : {}) as Record<string, string>
    return purpose === 'train' ? [parameters!] : []
  })
  const { initialParameters } = [...manifests.values()][0]!
  const biases = await Promise.all([initialParameters.sha256, ...models].map(biasOf))
  // Mean over four sites of the mean over a batch.
  return models.map((_, i) => (-(biases[i + 1]! - biases[i]!) / learningRate) * 4 * batchSize)
}

/**
 * Least squares over the rows (with a little ridge: what is common to a site's rows cannot be told from the others'). Of one
 * site, healthy rows lie one above ill ones.
 */
function solve(rows: readonly (readonly number[])[], sums: readonly number[]): number[] {
  const size = rows[0]!.length
  const normal = Array.from({ length: size }, (_, i) =>
    Array.from({ length: size + 1 }, (_column, j) =>
      rows.reduce((sum, row, r) => sum + row[i]! * (j < size ? row[j]! : sums[r]!), i === j ? 1e-6 : 0),
    ),
  )
  for (let pivot = 0; pivot < size; pivot++)
    for (let i = 0; i < size; i++) {
      if (i === pivot) continue
      const factor = normal[i]![pivot]! / normal[pivot]![pivot]!
      for (let j = pivot; j <= size; j++) normal[i]![j]! -= factor * normal[pivot]![j]!
    }
  const values = normal.map((row, i) => row[size]! / row[i]!)
  return values.map((value, i) => {
    const own = values.slice(i - (i % rowsOfSite), i - (i % rowsOfSite) + rowsOfSite)
    const middle = (Math.max(...own) + Math.min(...own)) / 2
    return value < middle ? 1 : 0
  })
}
