/**
 * The result of a secure round from its survivors' masked uploads: masks removed by the rebuilt secrets, the header first,
 * then the vector of the round's purpose. The coordinator learns sums, and nothing of any one site.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { readEvaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import type { Quantisation } from '@consilium/protos/secagg/fixed-point.ts'
import { type HeaderSum, headerName, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import { histogramsName, readCounts } from '@consilium/protos/secagg/histograms.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { readStatistics, statisticsName } from '@consilium/protos/secagg/statistics.ts'
import { type RemovalSeed, removalMasks } from '@consilium/protos/secagg/unmask.ts'
import { updateName } from '@consilium/protos/secagg/vectors.ts'
import { assertEnoughContribute } from '@consilium/protos/strategy/contributors.ts'
import { pooledStatistics } from '@consilium/protos/strategy/standardisation.ts'
import type { Committing } from '../round/commit.ts'
import type { RoundResult } from '../round/events.ts'
import type { UnmaskingSession } from '../round/session.ts'
import { pooledEvaluation } from '../statistics/evaluation.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { storeNextParameters } from './next-parameters.ts'
import { sumVector } from './sum-vector.ts'
import { uploadId } from './upload-id.ts'

export type SecureRoundOver = Pick<Committing, 'setting' | 'planHash' | 'cohort'> & {
  readonly session: UnmaskingSession
}

type Tools = { readonly objects: ObjectStore; readonly threads: MaskThreads }

/**
 * Undefined where no survivor has an example. Rejects with `update-invalid` where masks are left in the sums or these
 * contradict themselves, and as the stores do where they fail.
 */
export async function aggregateSecure(
  round: SecureRoundOver,
  manifest: StudyManifest,
  seeds: readonly RemovalSeed[],
  tools: Tools,
): Promise<RoundResult | undefined> {
  const quantised = roundQuantisation(round, manifest.study)
  const survivors = round.session.survivors.length
  const header = readHeaderSum(await sumWhole(round, headerName, seeds, tools), survivors, quantised)
  switch (round.setting.purpose) {
    case 'statistics':
      return pooledStatistics(readStatistics(await sumWhole(round, statisticsName, seeds, tools)), survivors)
    case 'train':
      assertEnoughContribute(header, round.session.plan)
      return trainResult(round, header, quantised, seeds, tools)
    case 'evaluate': {
      const counts = readCounts(await sumWhole(round, histogramsName, seeds, tools))
      const sum = readEvaluationCounts(counts, survivors)
      return pooledEvaluation(sum, header.lossSum, manifest.study.label.type !== 'number')
    }
  }
}

async function trainResult(
  round: SecureRoundOver,
  { weight, lossSum, clipped, survivors, contributors }: HeaderSum,
  quantised: Quantisation,
  seeds: readonly RemovalSeed[],
  tools: Tools,
): Promise<RoundResult | undefined> {
  if (weight === 0) return undefined
  const pieces = sumOf(round, updateName, seeds, tools)
  const sum = { pieces, survivors, weight, quantised }
  const parameters = await storeNextParameters(round.setting.model, sum, tools.objects)
  return { purpose: 'train', examples: weight, parameters, loss: lossSum / weight, clippedSites: clipped, contributors }
}

/** The unmasked sum of one vector; its bytes stand behind those of the vectors before it in every upload. */
function sumOf(
  { planHash, session }: SecureRoundOver,
  name: string,
  seeds: readonly RemovalSeed[],
  { objects, threads }: Tools,
): AsyncGenerator<Int32Array> {
  const { vectors } = session.plan
  const at = vectors.findIndex((vector) => vector.name === name)
  if (at < 0) throw new FederationError('internal', `the plan of this round has no vector ${name}`)
  const start = vectors.slice(0, at).reduce((bytes, { words }) => bytes + 4 * words, 0)
  const sources = session.survivors.map((site) => {
    const id = uploadId(planHash, site)
    return (offset: number, bytes: number) => objects.readStaged(id, start + offset, bytes)
  })
  const masks = removalMasks(seeds, name, session.u2Hash)
  return sumVector({ words: vectors[at]!.words, sources, masks }, threads)
}

/** Of a vector that is short: header, statistics, counts. */
async function sumWhole(...of: Parameters<typeof sumOf>): Promise<Int32Array> {
  const pieces: Int32Array[] = []
  for await (const piece of sumOf(...of)) pieces.push(piece)
  const whole = new Int32Array(pieces.reduce((words, { length }) => words + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
