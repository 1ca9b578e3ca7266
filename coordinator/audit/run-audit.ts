/**
 * A run's stream as an auditor follows it: every plan has the hash it is named by, starts from the model that the entry
 * it names made, and names a head that this very log had; every secure round is checked message by message.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { MerkleTree } from '@consilium/protos/log/merkle.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PartnerPurpose } from '@consilium/protos/plan/partner-change.ts'
import type { ReadStudy } from '@consilium/protos/plan/signed-study.ts'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import type { EventOf, RoundEvent } from '../round/events.ts'
import type { RunEvent } from '../run/events.ts'
import {
  type AuditedRun,
  closeRound,
  type RoundReport,
  reportOf,
  type StartedRun,
  type TakenReport,
  unstartedRun,
} from './audited-run.ts'
import { bare } from './columns-audit.ts'
import type { FederationAudit } from './federation-audit.ts'
import { adopt, rollBack, takeColumns } from './lineage-audit.ts'
import { checkPartnersFollow } from './partners-audit.ts'
import { checkHead, openPlan } from './plan-audit.ts'
import { present, require, sameJson } from './refuse.ts'
import { remake } from './sums-audit.ts'
import { auditVerification } from './verify-audit.ts'

export type RunAudit = {
  /** `study` is the one that the first entry names; `message` the object that the event names. */
  take(event: RunEvent, seq: number, given: Objects): void
  /** Means that came from other runs. */
  taken(): readonly TakenReport[]
  /** Rounds that had a cohort, in order. */
  rounds(): readonly RoundReport[]
  /** How the run ended. */
  readonly ended: 'finished' | 'failed' | 'cancelled' | undefined
}

export type Objects = {
  readonly study: ReadStudy | undefined
  readonly message: ShareKeysMessage | Unmask | undefined
  /** The study's initial parameters, or the sum that the event names or refers to; undefined in a bundle without sums. */
  readonly bytes: Uint8Array | undefined
}

/** `tree` holds the run's entries up to the one that is taken. */
export function auditRun(id: RunId, federation: FederationAudit, tree: Pick<MerkleTree, 'root'>): RunAudit {
  const run = unstartedRun({ id, federation, tree })
  return {
    take(event, seq, given) {
      require(run.ended === undefined, 'the run had ended before it')
      if (event.type === 'run-started') return start(run, event, seq, given)
      require(run.study !== undefined, 'a run begins with its start')
      take(run as StartedRun, event, seq, given)
    },
    taken: () => run.taken,
    rounds: () => (run.open ? [...run.reports, reportOf(run.open, 'open')] : run.reports),
    get ended() {
      return run.ended
    },
  }
}

function start(
  run: AuditedRun,
  event: Extract<RunEvent, { type: 'run-started' }>,
  seq: number,
  { study, bytes }: Objects,
): void {
  require(seq === 0 && event.run === run.id, `it does not start run ${run.id}`)
  const record = run.federation.runRecord()
  require(record.study === event.study, 'the federation created this run for another study')
  require(record.publicKey === event.publicKey, 'the federation created this run with another key')
  run.study = present(study, 'the study it names is not in the bundle')
  require(run.study.hash === event.study, 'the study in the bundle is not the one it names')
  run.publicKey = event.publicKey
  const { sha256 } = run.study.manifest.initialParameters
  run.model = { parameters: sha256 }
  if (!bytes) return
  require(sha256Hex(bytes) === sha256, 'the parameters before it are not the initial ones of its study')
  run.parameters = floatsOf(bytes)
}

function take(run: StartedRun, event: RunEvent, seq: number, { message, bytes }: Objects): void {
  switch (event.type) {
    case 'round-started':
      require(run.open === undefined && run.next === undefined, 'a round starts while another one is open')
      run.next = { round: event.round, purpose: event.purpose, attempt: event.attempt ?? 1 }
      return
    case 'cohort-selected':
      openPlan(run, event, seq)
      return
    case 'round-committed':
      commit(run, event, seq, bytes)
      return
    case 'round-failed':
      fail(run, event)
      return
    case 'columns-taken':
      takeColumns(run, event, bytes)
      return
    case 'run-rolled-back':
      rollBack(run, event, seq)
      return
    case 'run-finished':
      require(run.open === undefined, 'it finished within a round')
      require(event.parameters === run.model.parameters, 'its parameters are not those of the newest model')
      run.ended = 'finished'
      return
    case 'run-failed':
    case 'run-cancelled':
      closeRound(run, 'failed')
      run.ended = event.type === 'run-failed' ? 'failed' : 'cancelled'
      return
    case 'run-started':
    case 'run-resumed':
    case 'run-partners-changed':
    case 'evaluation-skipped':
      return
    default:
      takeInRound(run, event, seq, message)
  }
}

function takeInRound(run: StartedRun, event: OfPlan, seq: number, message: Objects['message']): void {
  const { plan, hash, secure, verifying } = present(run.open, 'there is no round it could be part of')
  require(event.planHash === hash, 'it is part of another plan than the one under way')
  if ('site' in event) require(plan.cohort.includes(event.site), `${event.site} is not in the cohort`)
  if (event.type === 'sum-verified' || event.type === 'sum-not-verified') {
    const made = present(verifying, 'no sum was committed that it could judge').take(event)
    if (made) adopt(run, made)
    return
  }
  require(!verifying || outsideOfSum.includes(event.type), 'its round was committed before')
  if (verifying && event.type === 'site-dropped') {
    const made = verifying.take(event)
    if (made) adopt(run, made)
    return
  }
  secure?.take(event, { message, checkHead: (head) => checkHead(run, head, seq) })
}
/** What can happen to a sum that is committed, and changes nothing of it. */
const outsideOfSum: readonly string[] = ['site-dropped', 'late-update-refused']
type OfPlan = Extract<RoundEvent, { planHash: Sha256 }>

function fail(run: StartedRun, event: EventOf<'round-failed'>): void {
  const { open } = run
  closeRound(run, 'failed')
  if (event.code !== 'interrupted') return
  const { plan, hash, secure } = present(open, 'it had no plan that could be attempted again')
  require(plan.purpose !== 'train' && secure !== undefined, 'only rounds among partners are attempted again')
  require(secure.counts().releases === 0, 'shares were revealed for it: it is not attempted again')
  run.interrupted = { plan, hash }
}

function commit(run: StartedRun, event: EventOf<'round-committed'>, seq: number, sum: Uint8Array | undefined): void {
  const { planHash: named, result } = event
  const { plan, hash, secure } = present(run.open, 'there is no round to commit')
  require(named === hash, 'it commits another plan than the one under way')
  require(result.purpose === plan.purpose, 'its result is of another purpose than the plan')
  if (result.purpose === 'statistics' && plan.secure)
    require(sameJson(result.columns.map(bare), plan.columns), 'its means are of other columns than the plan sums')
  secure?.checkCommitted()
  require((plan.secure !== undefined) === (event.sums !== undefined), 'it names a sum only in secure mode')
  if (plan.secure && plan.purpose !== 'train') checkAmong(run, plan.purpose, plan.cohort)
  require(run.open?.verifying === undefined, 'its round was committed before')
  const parameters = sum && remakeRound(run, event, sum)
  if (result.purpose === 'evaluate') {
    require(!secure || result.perSite.length === 0, 'it holds results of single sites')
    closeRound(run, 'committed')
    return
  }
  const made = { result, seq, round: plan.round, ...(parameters && { parameters }) }
  if (!plan.secure || !secure) adopt(run, made)
  else run.open!.verifying = auditVerification(run.id, plan.secure, event, made, secure.survivors())
}

/** In statistics and evaluations the survivors are the whole cohort, and that is the one of before. */
function checkAmong(run: StartedRun, purpose: PartnerPurpose, cohort: readonly SiteName[]): void {
  const before = run.among.get(purpose)
  if (before) checkPartnersFollow({ purpose, before, after: cohort }, run.study, run.federation)
  run.among.set(purpose, cohort)
}

/** The next parameters of a train round, where the ones before it could be made. */
function remakeRound(run: StartedRun, event: EventOf<'round-committed'>, sum: Uint8Array): Float32Array | undefined {
  const { plan, secure } = present(run.open, 'there is no round to commit')
  require(plan.secure !== undefined && secure !== undefined, 'there is a sum before it, and it is of a sealed round')
  const { parameters } = run
  if (!parameters) return undefined
  const { study } = run.study.manifest
  const next = remake(event, { ...plan, secure: plan.secure }, study, secure.survivors().length, { sum, parameters })
  run.open!.remade = true
  return next
}

function floatsOf(bytes: Uint8Array): Float32Array {
  // A copy, since floats need their bytes aligned.
  return new Float32Array(new Uint8Array(bytes).buffer)
}
