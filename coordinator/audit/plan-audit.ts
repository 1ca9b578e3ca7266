/** A plan, audited: it is of the round that started, starts from what the run has, and its session is the study's. */
import type { LogHead } from '@consilium/protos/log/head.ts'
import { attemptOf, repeats } from '@consilium/protos/plan/attempts.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { EventOf } from '../round/events.ts'
import type { AuditedRun, StartedRun } from './audited-run.ts'
import { missingColumns } from './lineage-audit.ts'
import { fromBase64, hex, present, require, sameJson, short } from './refuse.ts'
import { auditSecureRound, type SecureRoundAudit } from './secure-round.ts'

/** The round that is open from now on. */
export function openPlan(
  run: StartedRun,
  { plan, planHash: named, round, purpose }: EventOf<'cohort-selected'>,
  seq: number,
): void {
  const { next, study } = run
  require(next?.round === round && next.purpose === purpose, 'it selects a cohort for a round that did not start')
  require(planHash(plan) === named, 'its plan has another hash than it says')
  require(plan.run === run.id && plan.study === study.hash, 'its plan is for another run or study')
  require(plan.round === round && plan.purpose === purpose, 'its plan is for another round')
  require(plan.cohort.every((site, i) => i === 0 || site > plan.cohort[i - 1]!), 'its cohort is not in order')
  checkStart(run, plan)
  checkAttempt(run, plan, next!.attempt)
  checkHead(run, plan.logHead, seq)
  require(plan.modelEntry === undefined || plan.modelEntry < plan.logHead.size, 'its head does not cover its model')
  for (const site of plan.cohort) run.federation.checkApproved(site, plan.study)
  delete run.next
  run.open = { plan, hash: named, ...secureOf(run, plan) }
}

/** Model and means are the run's newest, and so are those who verified them. */
function checkStart(run: StartedRun, plan: RoundPlan): void {
  const { study, model } = run
  const { purpose } = plan
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
}

/** A further attempt is of the plan that was interrupted, once more; nobody has revealed a share for that one. */
function checkAttempt({ interrupted }: AuditedRun, plan: RoundPlan, due: number): void {
  require(attemptOf(plan) === due, 'its plan is of another attempt than the one that started')
  if (due === 1) return
  const { plan: before, hash } = present(interrupted, 'no attempt before it was interrupted')
  require(attemptOf(before) === due - 1 && plan.attempt?.after === hash, 'it does not follow the attempt before it')
  require(repeats(plan, before), 'it is not the attempt before it once more')
}

/** The session of a secure plan, whose roster is the auditor's and whose thresholds are the study's. */
function secureOf(run: StartedRun, plan: RoundPlan): { readonly secure?: SecureRoundAudit } {
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

/** A head that this log had: every entry below it, and nothing else. */
export function checkHead({ tree }: AuditedRun, { size, root }: LogHead, seq: number): void {
  require(size <= seq, `the head it names has ${size} entries, before it there are ${seq}`)
  require(hex(tree.root(size)) === root, `the head it names is not that of the first ${size} entries`)
}
