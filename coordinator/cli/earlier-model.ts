/** The last model of a run, for a study that goes on from it: the only one of the run that nobody has trained from. */
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import type { RunId } from '@consilium/protos/plan/names.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import type { AdminClient } from './admin-client.ts'
import type { EarlierModel } from './make-study.ts'

/** Throws `stale-round` for a run that goes on, or ended otherwise than by finishing. */
export async function fetchEarlierModel(
  admin: Pick<AdminClient, 'showRun' | 'showStudy' | 'fetchObject'>,
  run: RunId,
): Promise<EarlierModel> {
  const { state, studyHash, parametersSha256 } = await admin.showRun(run)
  if (state !== 'finished' || !parametersSha256)
    throw new FederationError(
      'stale-round',
      `run ${run} is ${state}: a study goes on from a finished run, whose last model nobody has trained from`,
    )
  const { signedStudy } = await admin.showStudy(studyHash)
  const { graph, layout } = readSignedStudy(canonicalJson(signedStudy)).manifest
  const chunks: Uint8Array[] = []
  for await (const chunk of admin.fetchObject(parametersSha256, 0)) chunks.push(chunk)
  const parameters = Buffer.concat(chunks)
  if (sha256Hex(parameters) !== parametersSha256)
    throw new FederationError('hash-mismatch', `what came for the model of run ${run} is not ${parametersSha256}`)
  return { run, parameters, graph: graph.sha256, layout }
}
