/**
 * Proofs of a run's log for a site (fedsum, section A.4: S1): that one head extends another, and what stands at a position
 * below it. Only for runs that the site has a part in.
 */
import type { LogProof, LogProofRequest } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import type { RunId, SiteName } from '@consilium/protos/plan/names.ts'
import type { EventStream } from '../event-stream.ts'
import type { Federation } from '../federation/federation.ts'
import type { Run } from '../run/state.ts'

type ProvableRun = { readonly run: Run; prove(request: LogProofRequest): Promise<LogProof> }

/** Rejects with `not-found` for a run that the site has no part in, with `invalid-argument` for what its log does not have. */
export async function proveLog(
  parts: { readonly stream: { readonly state: Federation }; readonly runs: ReadonlyMap<RunId, ProvableRun> },
  site: SiteName,
  request: LogProofRequest,
): Promise<LogProof> {
  const process = parts.runs.get(request.run)
  if (!process || !hasPart(parts.stream.state, process.run, site))
    throw new FederationError('not-found', `site ${site} has no part in a run ${request.run}`)
  return process.prove(request)
}

/** What a run's stream proves; sizes and the position are bounded by its length before anything is worked out. */
export async function proofOf(
  stream: Pick<EventStream<unknown, unknown>, 'length' | 'consistency' | 'inclusion' | 'entry'>,
  { run, oldSize, newSize, seq }: LogProofRequest,
): Promise<LogProof> {
  const counts = [oldSize, newSize, ...(seq === undefined ? [] : [seq])]
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0))
    throw new FederationError('invalid-argument', 'sizes and positions of a log are whole numbers')
  if (newSize > stream.length || oldSize > newSize || (seq !== undefined && seq >= newSize))
    throw new FederationError(
      'invalid-argument',
      `the log of run ${run} has ${stream.length} entries: it cannot prove ${oldSize} below ${newSize}${seq === undefined ? '' : `, entry ${seq}`}`,
    )
  const consistency = stream.consistency(oldSize, newSize)
  if (seq === undefined) return { consistency, inclusion: [] }
  return { consistency, entry: canonicalJson(await stream.entry(seq)), inclusion: stream.inclusion(seq, newSize) }
}

/** Its approval stands, or it was in a cohort of this run. */
function hasPart(federation: Federation, { study, current, past }: Run, site: SiteName): boolean {
  if (federation.studies.get(study)?.decisions.get(site)?.decision === 'approve') return true
  const rounds = current && current.phase !== 'recruit' ? [...past, current] : past
  return rounds.some(({ cohort }) => cohort.includes(site))
}
