/**
 * A run's stream as an auditor follows it: every plan has the hash it is named by, starts from the model that the entry
 * it names made, and names a head that this very log had; every secure round is checked message by message.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { MerkleTree } from '@consilium/protos/log/merkle.ts'
import { attemptOf, repeats } from '@consilium/protos/plan/attempts.ts'
import { type Column, columnsOf, type SummedColumn } from '@consilium/protos/plan/columns.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PartnerPurpose } from '@consilium/protos/plan/partner-change.ts'
import {
  type Proven,
  planHash,
  type RoundPlan,
  type Standardisation,
  type Summed,
} from '@consilium/protos/plan/round-plan.ts'
import type { ReadStudy } from '@consilium/protos/plan/signed-study.ts'
import { verifyRollback } from '@consilium/protos/rollback.ts'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { standardisationFrom } from '@consilium/protos/strategy/standardisation.ts'
import type { EventOf, RoundEvent } from '../round/events.ts'
import type { RunEvent } from '../run/events.ts'
import { auditSummed, bare } from './columns-audit.ts'
import type { FederationAudit } from './federation-audit.ts'
import { checkPartnersFollow } from './partners-audit.ts'
import { fromBase64, hex, present, require, sameJson, short } from './refuse.ts'
import { auditSecureRound, type SecureCounts, type SecureRoundAudit } from './secure-round.ts'
import { remake } from './sums-audit.ts'
import { auditVerification, type MadeResult, type SumVerification } from './verify-audit.ts'

export type RoundReport = {
  readonly round: number
  readonly purpose: Purpose
  readonly mode: 'secure' | 'sealed'
  readonly outcome: 'committed' | 'failed' | 'open'
  readonly cohort: readonly SiteName[]
  /** Of secure rounds. */
  readonly counts?: SecureCounts
  /** Whether its result was made again from the sum in the bundle. */
  readonly remade?: boolean
}

/** Columns whose means came from another run, on the word of how many sites, and whether its sum is in the bundle too. */
export type TakenReport = {
  readonly run: RunId
  readonly columns: readonly string[]
  readonly vouchers: number
  readonly remade: boolean
}

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
  const run: Run = {
    id,
    federation,
    tree,
    among: new Map(),
    made: new Map(),
    provenOf: new Map(),
    remade: new Map(),
    proven: {},
    columns: new Map(),
    taken: [],
    reports: [],
  }
  return {
    take(event, seq, given) {
      require(run.ended === undefined, 'the run had ended before it')
      if (event.type === 'run-started') return start(run, event, seq, given)
      require(run.study !== undefined, 'a run begins with its start')
      take(run as Started, event, seq, given)
    },
    taken: () => run.taken,
    rounds: () => (run.open ? [...run.reports, reportOf(run.open, 'open')] : run.reports),
    get ended() {
      return run.ended
    },
  }
}

type Run = {
  readonly id: RunId
  readonly federation: FederationAudit
  readonly tree: Pick<MerkleTree, 'root'>
  /** Parameters that each training round made. */
  readonly made: Map<number, Sha256>
  /** Who verified them, in secure mode. */
  readonly provenOf: Map<number, Proven>
  /** Those that were made again, of the last rounds: a run may go back to one. */
  readonly remade: Map<number, Float32Array>
  readonly reports: RoundReport[]
  study?: ReadStudy
  publicKey?: string
  model?: { readonly parameters: Sha256; readonly entry?: number }
  /** The parameters themselves, as long as they could be made again. */
  parameters?: Float32Array | undefined
  /** Whom committed sums of each purpose are among. */
  readonly among: Map<PartnerPurpose, readonly SiteName[]>
  /** Those that have a mean, by name. */
  readonly columns: Map<string, SummedColumn>
  readonly taken: TakenReport[]
  standardisation?: Standardisation
  /** Who verified the sums of both. */
  proven: NonNullable<RoundPlan['proven']>
  next?: { readonly round: number; readonly purpose: Purpose; readonly attempt: number }
  /** The plan of an attempt that was interrupted: the next one repeats it. */
  interrupted?: { readonly plan: RoundPlan; readonly hash: Sha256 }
  open?: OpenRound
  ended?: 'finished' | 'failed' | 'cancelled'
}
type Started = Run & Required<Pick<Run, 'study' | 'publicKey' | 'model'>>

type OpenRound = {
  readonly plan: RoundPlan
  readonly hash: Sha256
  readonly secure?: SecureRoundAudit
  /** Committed, and not gone on from yet: too few sites have verified the sum. */
  verifying?: SumVerification
  remade?: boolean
}

function start(
  run: Run,
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

function take(run: Started, event: RunEvent, seq: number, { message, bytes }: Objects): void {
  switch (event.type) {
    case 'round-started':
      require(run.open === undefined && run.next === undefined, 'a round starts while another one is open')
      run.next = { round: event.round, purpose: event.purpose, attempt: event.attempt ?? 1 }
      return
    case 'cohort-selected':
      select(run, event, seq)
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
      close(run, 'failed')
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

function takeInRound(run: Started, event: OfPlan, seq: number, message: Objects['message']): void {
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

function select(
  run: Started,
  { plan, planHash: named, round, purpose }: EventOf<'cohort-selected'>,
  seq: number,
): void {
  const { next, study, model } = run
  require(next?.round === round && next.purpose === purpose, 'it selects a cohort for a round that did not start')
  require(planHash(plan) === named, 'its plan has another hash than it says')
  require(plan.run === run.id && plan.study === study.hash, 'its plan is for another run or study')
  require(plan.round === round && plan.purpose === purpose, 'its plan is for another round')
  require(plan.cohort.every((site, i) => i === 0 || site > plan.cohort[i - 1]!), 'its cohort is not in order')
  require(plan.model === model.parameters &&
    plan.modelEntry ===
      model.entry, `its plan starts from ${short(plan.model)} of entry ${plan.modelEntry ?? 'none'}, the newest model is ${short(model.parameters)} of entry ${model.entry ?? 'none'}`)
  const missing = purpose === 'statistics' && plan.secure ? missingColumns(run) : undefined
  require(sameJson(plan.columns, missing), 'its plan sums other columns than those of its study that have no mean')
  const due = purpose === 'statistics' ? undefined : run.standardisation
  const isOwed = purpose !== 'statistics' && study.manifest.study.standardisation === 'federated'
  require(!isOwed || due !== undefined, 'its study standardises by all sites, and no statistics round was committed')
  require(sameJson(plan.standardisation, due), 'its plan standardises by other figures than the statistics round gave')
  require(sameJson(plan.proven ?? {}, run.proven), 'its plan names others as those who verified what it starts from')
  checkAttempt(run, plan, next!.attempt)
  checkHead(run, plan.logHead, seq)
  require(plan.modelEntry === undefined || plan.modelEntry < plan.logHead.size, 'its head does not cover its model')
  for (const site of plan.cohort) run.federation.checkApproved(site, plan.study)
  delete run.next
  run.open = { plan, hash: named, ...secureOf(run, plan) }
}

/** A further attempt is of the plan that was interrupted, once more; nobody has revealed a share for that one. */
function checkAttempt({ interrupted }: Run, plan: RoundPlan, due: number): void {
  require(attemptOf(plan) === due, 'its plan is of another attempt than the one that started')
  if (due === 1) return
  const { plan: before, hash } = present(interrupted, 'no attempt before it was interrupted')
  require(attemptOf(before) === due - 1 && plan.attempt?.after === hash, 'it does not follow the attempt before it')
  require(repeats(plan, before), 'it is not the attempt before it once more')
}

function fail(run: Started, event: EventOf<'round-failed'>): void {
  const { open } = run
  close(run, 'failed')
  if (event.code !== 'interrupted') return
  const { plan, hash, secure } = present(open, 'it had no plan that could be attempted again')
  require(plan.purpose !== 'train' && secure !== undefined, 'only rounds among partners are attempted again')
  require(secure.counts().releases === 0, 'shares were revealed for it: it is not attempted again')
  run.interrupted = { plan, hash }
}

/** The session of a secure plan, whose roster is the auditor's and whose thresholds are the study's. */
function secureOf(run: Started, plan: RoundPlan): { readonly secure?: SecureRoundAudit } {
  const { aggregation } = run.study.manifest.study
  require((aggregation.mode === 'secure') ===
    (plan.secure !== undefined), `its plan is not in ${aggregation.mode} mode`)
  if (!plan.secure || aggregation.mode !== 'secure') {
    require(plan.runPublicKey === run.publicKey, 'its plan names another key than that of the run')
    return {}
  }
  const { roster, colluders, survivorsMin } = plan.secure
  require(roster.length === plan.cohort.length, 'its roster is not that of its cohort')
  plan.cohort.forEach((site, i) => {
    const isSame = hex(run.federation.identityOf(site)) === hex(fromBase64(roster[i]!))
    require(isSame, `its roster has another key for ${site} than the one given`)
  })
  const due = studyThresholds({ cohort: run.study.manifest.study.cohort, aggregation }, plan.cohort.length)
  require(colluders >= due.colluders, 'it allows for fewer colluding sites')
  require(survivorsMin >= due.survivorsMin, 'it adds fewer sites than the study says')
  return { secure: auditSecureRound({ ...plan, secure: plan.secure }, planHash(plan)) }
}

function commit(run: Started, event: EventOf<'round-committed'>, seq: number, sum: Uint8Array | undefined): void {
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
    close(run, 'committed')
    return
  }
  const made = { result, seq, round: plan.round, ...(parameters && { parameters }) }
  if (!plan.secure || !secure) adopt(run, made)
  else run.open!.verifying = auditVerification(run.id, plan.secure, event, made, secure.survivors())
}

/** In statistics and evaluations the survivors are the whole cohort, and that is the one of before. */
function checkAmong(run: Started, purpose: PartnerPurpose, cohort: readonly SiteName[]): void {
  const before = run.among.get(purpose)
  if (before) checkPartnersFollow({ purpose, before, after: cohort }, run.study, run.federation)
  run.among.set(purpose, cohort)
}

/** The next parameters of a train round, where the ones before it could be made. */
function remakeRound(run: Started, event: EventOf<'round-committed'>, sum: Uint8Array): Float32Array | undefined {
  const { plan, secure } = present(run.open, 'there is no round to commit')
  require(plan.secure !== undefined && secure !== undefined, 'there is a sum before it, and it is of a sealed round')
  const { parameters } = run
  if (!parameters) return undefined
  const { study } = run.study.manifest
  const next = remake(event, { ...plan, secure: plan.secure }, study, secure.survivors().length, { sum, parameters })
  run.open!.remade = true
  return next
}

/** The run goes on from what a round made. */
function adopt(run: Started, { result, seq, round, proven, parameters }: MadeResult): void {
  if (result.purpose === 'statistics') {
    const { columns } = result
    addColumns(run, columns, proven && { run: run.id, ...proven, columns: [...columns] })
  } else {
    run.model = { parameters: result.parameters, entry: seq }
    run.parameters = parameters
    if (parameters) keepMade(run.remade, round, parameters)
    run.made.set(round, result.parameters)
    if (proven) run.provenOf.set(round, proven)
  }
  if (result.purpose === 'train' && proven) run.proven = { ...run.proven, model: proven }
  close(run, 'committed')
}

/** Means that another run's statistics gave, by the word of sites that the roster names and, where it is here, by the sum. */
function takeColumns(
  run: Started,
  { summed, plan }: Extract<RunEvent, { type: 'columns-taken' }>,
  sum: Uint8Array | undefined,
): void {
  require(run.open === undefined && run.next === undefined, 'it takes means within a round')
  const missing = missingColumns(run).map(({ name }) => name)
  const taken = summed.columns.filter(({ name }) => missing.includes(name))
  require(taken.length > 0, 'it takes no mean that was missing')
  const vouchers = auditSummed(summed, plan, run.study.manifest.study, run.federation, sum)
  const columns = taken.map(({ name }) => name)
  run.taken.push({ run: summed.run, columns, vouchers, remade: sum !== undefined })
  addColumns(run, taken, summed)
}

function missingColumns({ study, columns }: Started): Column[] {
  return columnsOf(study.manifest.study.features).filter(({ name }) => !columns.has(name))
}

function addColumns(run: Started, more: readonly SummedColumn[], summed: Summed | undefined): void {
  for (const column of more) run.columns.set(column.name, column)
  const standardisation = standardisationFrom(run.study.manifest.study.features, run.columns)
  if (standardisation) run.standardisation = standardisation
  if (summed) run.proven = { ...run.proven, columns: [...(run.proven.columns ?? []), summed] }
}

function rollBack(run: Started, event: Extract<RunEvent, { type: 'run-rolled-back' }>, seq: number): void {
  const { round, parameters, signature } = event
  require(run.made.get(round) === parameters, `training round ${round} did not make ${short(parameters)}`)
  const to = { run: run.id, round, parameters }
  const isSigned = run.federation.coordinatorKeys.some((key) => verifyRollback(key, fromBase64(signature), to))
  require(isSigned, 'it is not signed by the coordinator')
  close(run, 'failed')
  run.model = { parameters, entry: seq }
  run.parameters = run.remade.get(round)
  const { model: _, ...others } = run.proven
  const proven = run.provenOf.get(round)
  run.proven = proven ? { ...others, model: proven } : others
}

/** A head that this log had: every entry below it, and nothing else. */
function checkHead({ tree }: Run, { size, root }: LogHead, seq: number): void {
  require(size <= seq, `the head it names has ${size} entries, before it there are ${seq}`)
  require(hex(tree.root(size)) === root, `the head it names is not that of the first ${size} entries`)
}

function close(run: Run, outcome: 'committed' | 'failed'): void {
  if (run.open) run.reports.push(reportOf(run.open, outcome))
  delete run.open
  delete run.interrupted
  delete run.next
}

/** How much of models that a run may go back to is kept, bytes. */
const keptBytesMax = 2 ** 30

function keepMade(remade: Map<number, Float32Array>, round: number, parameters: Float32Array): void {
  remade.set(round, parameters)
  for (const oldest of remade.keys())
    if (remade.size > 1 && remade.size * parameters.byteLength > keptBytesMax) remade.delete(oldest)
}

function floatsOf(bytes: Uint8Array): Float32Array {
  // A copy, since floats need their bytes aligned.
  return new Float32Array(new Uint8Array(bytes).buffer)
}

function reportOf({ plan, secure, remade }: OpenRound, outcome: RoundReport['outcome']): RoundReport {
  const { round, purpose, cohort } = plan
  const common = { round, purpose, outcome, cohort }
  return secure
    ? { ...common, mode: 'secure', counts: secure.counts(), remade: remade === true }
    : { ...common, mode: 'sealed' }
}
