/**
 * The result of a secure round from its survivors' masked uploads: masks removed by the rebuilt secrets, the header first,
 * then the vector of the round's purpose. The coordinator learns sums, and nothing of any one site.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { Quantisation } from '@consilium/protos/secagg/fixed-point.ts'
import { type HeaderSum, headerName, readHeaderSum } from '@consilium/protos/secagg/header.ts'
import type { MaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { roundQuantisation } from '@consilium/protos/secagg/quantise-round.ts'
import { type RemovalSeed, removalMasks } from '@consilium/protos/secagg/unmask.ts'
import { assertEnoughContribute } from '@consilium/protos/strategy/contributors.ts'
import { splitSum } from '@consilium/protos/strategy/split-sum.ts'
import type { Committing } from '../round/commit.ts'
import type { RoundResult } from '../round/events.ts'
import type { UnmaskingSession } from '../round/session.ts'
import { contentResult, trainResult } from '../statistics/sum-result.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { storeNextParameters } from './next-parameters.ts'
import type { StoredSums } from './stored-sums.ts'
import { sumVector } from './sum-vector.ts'
import { uploadId } from './upload-id.ts'

export type SecureRoundOver = Pick<Committing, 'setting' | 'plan' | 'planHash' | 'cohort'> & {
  readonly session: UnmaskingSession
}

type Tools = { readonly objects: ObjectStore; readonly threads: MaskThreads; readonly sums: StoredSums }

/** What a sum made, and the object that holds it whole. */
export type SecureResult = { readonly result: RoundResult; readonly sums: Sha256 }

/**
 * Undefined where no survivor has an example. Rejects with `update-invalid` where masks are left in the sums or these
 * contradict themselves, and as the stores do where they fail.
 */
export async function aggregateSecure(
  round: SecureRoundOver,
  manifest: StudyManifest,
  seeds: readonly RemovalSeed[],
  tools: Tools,
): Promise<SecureResult | undefined> {
  const quantised = roundQuantisation(round, manifest.study)
  const survivors = round.session.survivors.length
  const header = readHeaderSum(await sumWhole(round, headerName, seeds, tools), survivors, quantised)
  if (round.setting.purpose === 'train') assertEnoughContribute(header, round.session.plan)
  const sums = await tools.sums.put(everyVector(round, seeds, tools))
  const result = await resultOf(round, manifest, header, quantised, sums, tools)
  return result && { result, sums }
}

async function* everyVector(
  round: SecureRoundOver,
  seeds: readonly RemovalSeed[],
  tools: Tools,
): AsyncGenerator<Int32Array> {
  for (const { name } of round.session.plan.vectors) yield* sumOf(round, name, seeds, tools)
}

async function resultOf(
  { setting, session, plan }: SecureRoundOver,
  { study }: StudyManifest,
  header: HeaderSum,
  quantised: Quantisation,
  sums: Sha256,
  { objects }: Tools,
): Promise<RoundResult | undefined> {
  if (setting.purpose !== 'train') {
    const [, content] = splitSum(await objects.get(sums), session.plan.vectors)
    return contentResult(setting.purpose, header, content, study, plan.columns)
  }
  const { weight, survivors } = header
  if (weight === 0) return undefined
  return trainResult(header, await storeNextParameters(setting.model, { sums, survivors, weight, quantised }, objects))
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
