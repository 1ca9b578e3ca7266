/**
 * Lineage, at the site (fedsum, section A.4: S1): the log of a run only ever grows, and the global model of a plan is the
 * one that an entry of it made. Proofs are asked for only where something is new; what is accepted is kept.
 */
import type { LogProof } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { emptyRoot, verifyConsistency, verifyInclusion } from '@consilium/protos/log/merkle.ts'
import { type ModelEntry, readModelEntry } from '@consilium/protos/log/model-entry.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { verifyRollback } from '@consilium/protos/rollback.ts'
import type { Policy } from '../policy.ts'
import type { AcceptedHead, AcceptedModel } from '../store/heads.ts'
import type { Assignment } from './assignment.ts'
import { acceptProven } from './proven.ts'
import type { Site } from './site.ts'

export type LineageSite = Pick<Site, 'store' | 'link' | 'coordinatorPublicKey'> & {
  readonly readPolicy: () => Pick<Policy, 'rollback' | 'secure'>
}

/**
 * Checks a plan's log head and model and keeps both durably. Throws `log-forked`, `model-not-in-log`,
 * `rollback-refused`, or what the link rejects with while the coordinator cannot be asked. A plan that this site has
 * under way already was checked when it came first.
 */
export async function checkLineage(
  { planHash, plan, study }: Assignment,
  site: LineageSite,
  signal: AbortSignal,
): Promise<void> {
  const { journal, heads } = site.store
  const work = journal.find(planHash)
  if (work && work.state !== 'over') return
  const known = heads.find(plan.run)
  const isNewModel = checkModelEntry(plan, study.manifest.initialParameters.sha256, known, site)
  assertNotBehind(plan, known, plan.logHead)
  let isRollback = false
  if (isNewModel || isGrown(known, plan.logHead)) {
    const asked = { oldSize: known?.size ?? 0, newSize: plan.logHead.size }
    const { modelEntry: seq } = plan
    const proof = await askProof(plan, isNewModel && seq !== undefined ? { ...asked, seq } : asked, site, signal)
    assertExtends(plan, known, plan.logHead, proof)
    if (isNewModel) isRollback = assertMadeModel(plan, proof, site) === 'rolled-back'
  }
  acceptProven({ plan, study }, site)
  const model = modelOf(plan)
  heads.accept(plan.run, plan.logHead, model && { ...model, isRollback })
}

/**
 * Checks that the head a site is asked to countersign extends the plan's and every one accepted before; throws
 * `log-forked`, or what the link rejects with. Whoever then signs it keeps it first: `store.heads.accept`.
 */
export async function checkHead(
  plan: RoundPlan,
  head: LogHead,
  site: Pick<Site, 'store' | 'link'>,
  signal: AbortSignal,
): Promise<void> {
  const stored = site.store.heads.find(plan.run)
  const known = stored && stored.size >= plan.logHead.size ? stored : plan.logHead
  assertNotBehind(plan, known, head)
  if (!isGrown(known, head)) return
  const proof = await askProof(plan, { oldSize: known.size, newSize: head.size }, site, signal)
  assertExtends(plan, known, head, proof)
}

/** Whether the log has to show the entry that made the plan's model: it is not the one this site knows. */
function checkModelEntry(
  plan: RoundPlan,
  initial: string,
  known: AcceptedHead | undefined,
  { store }: LineageSite,
): boolean {
  const { run, round, model, modelEntry, logHead } = plan
  const refuse = (why: string) =>
    new FederationError('model-not-in-log', `round ${round} of run ${run} starts from ${model.slice(0, 12)}: ${why}`)
  const trained = newestTraining(plan, store)
  if (trained && (modelEntry ?? -1) <= (trained.modelEntry ?? -1))
    throw refuse(`training round ${trained.round} was committed since, so there is a later model`)
  if (modelEntry === undefined) {
    if (model !== initial) throw refuse('the plan names no entry of the log that made it')
    if (known?.model) throw refuse(`this site has seen entry ${known.model.entry} make a later model`)
    return false
  }
  if (modelEntry >= logHead.size) throw refuse(`entry ${modelEntry} is not below the plan's head of ${logHead.size}`)
  if (!known?.model || modelEntry > known.model.entry) return true
  if (modelEntry < known.model.entry)
    throw refuse(`entry ${modelEntry} comes before entry ${known.model.entry}, whose model this site has accepted`)
  if (model !== known.model.parameters) throw refuse(`entry ${modelEntry} made ${known.model.parameters.slice(0, 12)}`)
  return false
}

/** The plan of the last training round of the run that this site was told is committed. */
function newestTraining(
  { run, round }: RoundPlan,
  { journal, results }: Pick<LineageSite['store'], 'journal' | 'results'>,
): Pick<RoundPlan, 'round' | 'modelEntry'> | undefined {
  for (let earlier = round; earlier >= 1; earlier--) {
    const work = journal.findRound(run, earlier, 'train')
    if (work && (work.outcome === 'committed' || results.find(work.planHash)))
      return journal.planOf(work.planHash) ?? { round: earlier }
  }
  return undefined
}

/** The proven entry made this very model, which way is returned; one that takes the run back needs this site's policy. */
function assertMadeModel(
  { run, model, modelEntry, logHead }: RoundPlan,
  proof: LogProof,
  site: LineageSite,
): ModelEntry['made'] {
  const seq = modelEntry!
  if (!proof.entry)
    throw new FederationError('model-not-in-log', `the coordinator did not send entry ${seq} of run ${run}`)
  const entry = readModelEntry(proof.entry, run, seq)
  const { parameters, leaf } = entry
  const root = Buffer.from(logHead.root, 'hex')
  if (!verifyInclusion({ leaf, index: seq, size: logHead.size, path: proof.inclusion, root }))
    throw new FederationError('model-not-in-log', `entry ${seq} is not in the log of run ${run} that the plan names`)
  if (parameters !== model)
    throw new FederationError(
      'model-not-in-log',
      `entry ${seq} of run ${run} made ${parameters.slice(0, 12)}, the plan starts from ${model.slice(0, 12)}`,
    )
  if (entry.made === 'trained') return entry.made
  if (!verifyRollback(site.coordinatorPublicKey, entry.signature, { run, round: entry.round, parameters }))
    throw new FederationError(
      'signature-invalid',
      `entry ${seq} takes run ${run} back to round ${entry.round}, but not with the signature of the coordinator this site pinned`,
    )
  if (!site.readPolicy().rollback.accept)
    throw new FederationError(
      'rollback-refused',
      `run ${run} was taken back to ${model.slice(0, 12)}: to take part, set rollback.accept in policy.yaml of this site`,
    )
  return entry.made
}

/** Refuses a log that became shorter, and two of one length that differ: no proof can mend either. */
function assertNotBehind({ run }: RoundPlan, known: LogHead | undefined, head: LogHead): void {
  if (head.size === 0 && head.root !== hex(emptyRoot)) throw forked(run, 'its head is not that of an empty log')
  if (!known) return
  if (head.size < known.size)
    throw forked(run, `it has ${head.size} entries, this site has accepted ${known.size}: entries were taken away`)
  if (head.size === known.size && head.root !== known.root)
    throw forked(run, `its ${head.size} entries are not the ones that this site has accepted`)
}

function assertExtends({ run }: RoundPlan, known: LogHead | undefined, head: LogHead, { consistency }: LogProof): void {
  if (!known || known.size === 0) return
  if (!verifyConsistency(inBytes(known), inBytes(head), consistency))
    throw forked(run, `its ${head.size} entries do not begin with the ${known.size} that this site has accepted`)
}

/** Nothing is proven against nothing: a first head is taken as it is. */
function isGrown(known: LogHead | undefined, head: LogHead): boolean {
  return known !== undefined && known.size > 0 && head.size > known.size
}

async function askProof(
  { run, study }: RoundPlan,
  sizes: { readonly oldSize: number; readonly newSize: number; readonly seq?: number },
  { link }: Pick<Site, 'link'>,
  signal: AbortSignal,
): Promise<LogProof> {
  signal.throwIfAborted()
  const proof = await link.proveLog({ run, ...sizes }, study)
  signal.throwIfAborted()
  return proof
}

function modelOf({ model, modelEntry }: RoundPlan): AcceptedModel | undefined {
  return modelEntry === undefined ? undefined : { entry: modelEntry, parameters: model }
}

function inBytes({ size, root }: LogHead): { readonly size: number; readonly root: Uint8Array } {
  return { size, root: Buffer.from(root, 'hex') }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function forked(run: string, why: string): FederationError {
  return new FederationError('log-forked', `the log of run ${run} was forked: ${why}; ask the coordinator's operator`)
}
