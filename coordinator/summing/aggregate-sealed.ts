/**
 * Opens the survivors' sealed updates, checks each, and makes the round's result of them, one site after the other in the
 * order of their names: the same survivors give the same bits.
 */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { type Column, columnsOf } from '@consilium/protos/plan/columns.ts'
import {
  type Contribution,
  contributionLength,
  decodeContribution,
  vectorSizes,
} from '@consilium/protos/plan/contribution.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { openUpdate, type RunKeyPair } from '@consilium/protos/sealing/sealed-update.ts'
import { fedAvg } from '@consilium/protos/strategy/fedavg.ts'
import { summedColumns } from '@consilium/protos/strategy/standardisation.ts'
import { type Committing, survivorsOf } from '../round/commit.ts'
import type { RoundResult } from '../round/events.ts'
import { checkContribution } from '../statistics/check-contribution.ts'
import { type Evaluation, evaluationResult } from '../statistics/evaluation.ts'
import { weightedMean } from '../statistics/weighted-mean.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { readFloats } from './floats.ts'
import { uploadId } from './upload-id.ts'

export type Aggregation = {
  readonly refused: readonly { readonly site: SiteName; readonly reason: string }[]
  /** Undefined where nothing came of the contributions that passed. */
  readonly result: RoundResult | undefined
}

/** Rejects where the coordinator's own stores fail; what is wrong with a site's update is in `refused`. */
export async function aggregateSealed(
  round: Committing,
  manifest: StudyManifest,
  keys: RunKeyPair,
  objects: ObjectStore,
): Promise<Aggregation> {
  const refused: { site: SiteName; reason: string }[] = []
  async function* contributions(): AsyncGenerator<readonly [SiteName, Contribution]> {
    for (const site of survivorsOf(round)) {
      try {
        yield [site, await openContribution(round, site, manifest, keys, objects)]
      } catch (error) {
        if (!(error instanceof FederationError) || error.code === 'store-failed') throw error
        refused.push({ site, reason: errorMessage(error) })
      }
    }
  }
  const result = await resultOf(round, manifest, contributions(), objects)
  return { refused, result }
}

async function openContribution(
  round: Committing,
  site: SiteName,
  manifest: StudyManifest,
  keys: RunKeyPair,
  objects: ObjectStore,
): Promise<Contribution> {
  const { planHash, setting } = round
  const sealed = await objects.getStaged(uploadId(planHash, site), round.updates.get(site)!.sha256)
  const plain = openUpdate(sealed, keys, Buffer.from(`${planHash}:${site}`, 'utf8'))
  const length = contributionLength(setting.purpose, vectorSizes(manifest))
  const contribution = decodeContribution(plain, setting.purpose, length)
  checkContribution(contribution, manifest.study.updateNormMax)
  return contribution
}

type Contributions = AsyncIterable<readonly [SiteName, Contribution]>

function resultOf(
  { setting }: Committing,
  manifest: StudyManifest,
  contributions: Contributions,
  objects: ObjectStore,
): Promise<RoundResult | undefined> {
  if (setting.purpose === 'statistics') return addStatistics(contributions, columnsOf(manifest.study.features))
  if (setting.purpose === 'train') return averageUpdates(setting.model, contributions, objects)
  return addEvaluations(contributions, manifest.study.label.type !== 'number')
}

async function addStatistics(
  contributions: Contributions,
  columns: readonly Column[],
): Promise<RoundResult | undefined> {
  let sums: Float64Array | undefined
  let examples = 0
  for await (const [, { header, vector }] of contributions) {
    sums ??= new Float64Array(vector.length)
    for (let i = 0; i < vector.length; i++) sums[i] = sums[i]! + vector[i]!
    examples += header.examples
  }
  if (!sums || examples === 0) return undefined
  return { purpose: 'statistics', examples, columns: summedColumns(columns, sums) }
}

async function averageUpdates(
  model: string,
  contributions: Contributions,
  objects: ObjectStore,
): Promise<RoundResult | undefined> {
  const global = readFloats(await objects.get(model))
  const mean = weightedMean(global.length)
  let lossSum = 0
  let clippedSites = 0
  for await (const [, { header, vector }] of contributions) {
    if (header.purpose !== 'train' || !(vector instanceof Float32Array)) continue
    mean.add(vector, header.examples)
    lossSum += header.loss * header.examples
    clippedSites += header.clipped ? 1 : 0
  }
  const { examples } = mean
  if (examples === 0) return undefined
  const next = fedAvg.nextParameters(global, mean.mean())
  const { sha256: parameters } = await objects.put(new Uint8Array(next.buffer))
  return { purpose: 'train', examples, parameters, loss: lossSum / examples, clippedSites }
}

async function addEvaluations(contributions: Contributions, classes: boolean): Promise<RoundResult | undefined> {
  const evaluations: Evaluation[] = []
  for await (const [site, { header, vector }] of contributions)
    if (header.purpose === 'evaluate' && vector instanceof Float64Array)
      evaluations.push({ site, header, histogram: vector })
  return evaluations.length > 0 ? evaluationResult(evaluations, classes) : undefined
}
