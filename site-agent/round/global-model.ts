/** The global parameters of a round's plan, fetched where they are not here whole. */
import { FederationError } from '@consilium/protos/errors.ts'
import { initialParameterMax } from '@consilium/protos/limits.ts'
import { parameterCount } from '@consilium/protos/plan/signed-study.ts'
import type { Assignment } from './assignment.ts'
import type { Site } from './site.ts'

/** float32 [parameters]; throws `shape-mismatch` where the object has another length than the study's layout. */
export async function fetchParameters(
  { plan, study }: Assignment,
  { fetchObject }: Pick<Site, 'fetchObject'>,
  signal: AbortSignal,
  onProgress?: () => void,
): Promise<Float32Array> {
  const due = 4 * parameterCount(study.manifest.layout)
  const wanted = { sha256: plan.model, bytesMax: due, study: study.hash, ...(onProgress && { onProgress }) }
  const bytes = await fetchObject(wanted, signal)
  if (bytes.length !== due)
    throw new FederationError(
      'shape-mismatch',
      `the global parameters have ${bytes.length} bytes, the study's layout needs ${due}`,
    )
  // A copy, since a Float32Array needs its bytes aligned.
  const parameters = new Float32Array(new Uint8Array(bytes).buffer)
  if (plan.model === study.manifest.initialParameters.sha256) checkInitial(parameters)
  return parameters
}

/** What a study starts from is of its author's choice: no number that overflows where a record is of one kind (E.3). */
function checkInitial(parameters: Float32Array): void {
  const position = parameters.findIndex((value) => !(Math.abs(value) <= initialParameterMax))
  if (position >= 0)
    throw new FederationError(
      'invalid-study',
      `initial parameter ${position} of the study is not a number of at most ${initialParameterMax}`,
    )
}
