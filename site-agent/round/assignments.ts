/**
 * The assignments a site has taken up: from recruit through work and the phases of a round to its end, each on its own,
 * continued after a restart where the journal says it stood, called off when its round ends without it. What is asked for
 * one plan is done one after the other: a request that comes while the site still works waits its turn.
 */
import { type ErrorCode, errorCode, type FederationError } from '@consilium/protos/errors.ts'
import type { RunId, Sha256 } from '@consilium/protos/plan/names.ts'
import { planHash as hashOfPlan, roundPlanSchema, type SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { refusalCodeOf } from '@consilium/protos/refusal-codes.ts'
import { secureUploadBytes } from '@consilium/protos/secagg/vectors.ts'
import type { FromCoordinator } from '../link/link.ts'
import { advertiseKeys } from './advertise-keys.ts'
import type { Assignment } from './assignment.ts'
import { wordsOfAttemptBefore } from './attempts.ts'
import { isCalledOff } from './called-off.ts'
import { collectMasked, uploadSealed } from './collect-updates.ts'
import { tidy } from './commit.ts'
import { confirmSurvivors } from './confirm-survivors.ts'
import { inRound } from './events.ts'
import { finishWork, sayWorkDone } from './finish-work.ts'
import { checkLineage } from './lineage.ts'
import { type WorkProgress, workProgress } from './progress.ts'
import { assignmentOf, checkFresh, checkStillApproved, recruit } from './recruit.ts'
import { orTell, refusalOf, refuse } from './refuse.ts'
import { assertNotLost } from './session.ts'
import { shareKeys } from './share-keys.ts'
import type { Site } from './site.ts'
import { stoodOut } from './stands-out.ts'
import { unmask } from './unmask.ts'
import { verifySum } from './verify.ts'
import { workOrZeros } from './zeros.ts'

/** Runs something that takes time beside the messages; what it throws is told, and ends nothing else. */
export type Start = (task: Promise<void>) => void

/** What the coordinator asks of a site whose work is finished. */
export type PhaseRequest = Extract<
  FromCoordinator,
  { type: 'collect-updates' | 'advertise-keys' | 'directory' | 'shares' | 'survivors' | 'quorum' | 'verify-sum' }
>

type Task = (signal: AbortSignal) => Promise<void>

/** The tasks of one plan, one behind the other. */
type Line = {
  readonly controller: AbortController
  last: Promise<void>
  tasks: number
  /** The work itself runs, or waits to. */
  isWorking: boolean
  /** The sum of the round is being checked, or waits to. */
  isVerifying: boolean
  progress?: WorkProgress
}

export class Assignments {
  readonly #site: Site
  readonly #start: Start
  readonly #lines = new Map<Sha256, Line>()
  #newest: Assignment | undefined
  #lostAtMs = Number.NEGATIVE_INFINITY

  constructor(site: Site, start: Start) {
    this.#site = site
    this.#start = start
  }

  /** Checks a plan and takes it up, or refuses it. */
  assign(signed: SignedRoundPlan): void {
    try {
      this.#take(recruit(signed, this.#site))
    } catch (error) {
      refuse(this.#site, planNamedBy(signed), error)
    }
  }

  /** Goes on with work that an agent before this one had taken up: that needs no line either. */
  resume(): void {
    const { journal, outbox } = this.#site.store
    for (const { planHash, state } of journal.open()) {
      if (state !== 'working' || outbox.has(planHash)) continue
      try {
        checkStillApproved(planHash, this.#site)
        this.#beginWork(assignmentOf(planHash, this.#site), async () => {})
      } catch {
        // The coordinator assigns it again, and is told then why it is not done.
      }
    }
  }

  /** Says again which work is finished, and how far that is which goes on: the coordinator may have missed it. */
  announce(): void {
    const { journal, outbox } = this.#site.store
    for (const { progress } of this.#lines.values()) progress?.again(this.#lostAtMs)
    for (const { planHash, state, study } of journal.open())
      if (state !== 'working' && outbox.has(planHash)) this.#site.link.send({ type: 'work-done', planHash }, study)
  }

  /** Nothing is heard from now on, until it is said again. */
  lost(): void {
    this.#lostAtMs = this.#site.now().getTime()
  }

  /** Answers a request of one phase once everything before it is done; a round that is over here is not answered. */
  answer(request: PhaseRequest): void {
    const { planHash, type } = request
    if (!this.#isOpen(planHash) && !this.#lines.has(planHash)) return
    this.#enqueue(planHash, (signal) => this.#answer(request, signal))
    if (type === 'verify-sum') this.#lines.get(planHash)!.isVerifying = true
  }

  /** Ends what still runs for plans that are over, or for all. The last answer to an upload may follow its commit. */
  callOff(which: 'over' | 'all'): void {
    for (const [planHash, { controller }] of this.#lines) {
      const work = this.#site.store.journal.find(planHash)
      if (which === 'all' || (work?.state === 'over' && work.outcome !== 'committed')) controller.abort()
    }
  }

  /** Ends this site's part in everything that is open. */
  endAll(why: FederationError): void {
    this.callOff('all')
    for (const { planHash } of this.#site.store.journal.open()) this.#giveUp(planHash, why)
  }

  #take(assignment: Assignment): void {
    const { planHash, plan, study } = assignment
    const { journal, outbox, records } = this.#site.store
    if (this.#lines.get(planHash)?.isWorking) return
    const journaled = journal.find(planHash)
    if (journaled?.outcome === 'refused') {
      const refusal = records.refusalOf(planHash)
      if (refusal)
        this.#site.link.send({ type: 'refusal', planHash, code: refusalCodeOf(refusal.code as ErrorCode) }, study.hash)
      return
    }
    if (journaled && outbox.has(planHash)) {
      // A contribution reaches the outbox whole or not at all, so it is finished even where the journal was cut short.
      const bytes = plan.secure ? secureUploadBytes(plan.secure.vectors) : outbox.size(planHash)
      if (journaled.state === 'working') journal.done(planHash, bytes)
      this.#site.link.send({ type: 'work-done', planHash }, study.hash)
      return
    }
    this.#beginWork(assignment, (signal) => this.#takeUp(assignment, signal))
  }

  #beginWork(assignment: Assignment, first: Task): void {
    const { planHash, study } = assignment
    this.#enqueue(planHash, (signal) => this.#work(assignment, first, signal), study.hash)
    this.#lines.get(planHash)!.isWorking = true
  }

  async #takeUp(assignment: Assignment, signal: AbortSignal): Promise<void> {
    const { planHash, plan } = assignment
    await this.#verified(plan.run)
    await checkLineage(assignment, this.#site, signal)
    // Another plan may have been taken up while the log was asked.
    checkFresh(plan, this.#site)
    this.#site.store.journal.begin(planHash, plan)
    this.callOff('over')
    tidy(this.#site)
  }

  /** A plan may name what a sum makes that this site still checks: others were faster. */
  async #verified(run: RunId): Promise<void> {
    for (const [planHash, line] of this.#lines)
      if (line.isVerifying && this.#site.store.journal.find(planHash)?.run === run) await line.last
  }

  async #work(assignment: Assignment, first: Task, signal: AbortSignal): Promise<void> {
    const { planHash, plan } = assignment
    try {
      assertNotLost(planHash, this.#site)
      await first(signal)
      const kept = await wordsOfAttemptBefore(assignment, this.#site)
      if (kept !== undefined) {
        this.#site.emit({ type: 'attempted-again', ...inRound(planHash, plan) })
        return sayWorkDone(assignment, kept, this.#site)
      }
      this.#site.emit({ type: 'work-started', ...inRound(planHash, plan) })
      const progress = workProgress(assignment, this.#site)
      const line = this.#lines.get(planHash)
      if (line) line.progress = progress
      const result = await workOrZeros(assignment, this.#site, signal, progress)
      signal.throwIfAborted()
      progress.finished()
      await finishWork(assignment, result, this.#site)
    } catch (error) {
      throw isCalledOff(error, signal) ? error : stoodOut(error, assignment, this.#site)
    } finally {
      const line = this.#lines.get(planHash)
      if (line) {
        line.isWorking = false
        delete line.progress
      }
    }
  }

  async #answer(request: PhaseRequest, signal: AbortSignal): Promise<void> {
    const { planHash, type } = request
    const { journal, outbox } = this.#site.store
    if (!this.#isOpen(planHash)) return
    // Work that got lost is done again first: its assignment comes with the stream, and the request after it.
    const isFirst = type === 'collect-updates' || type === 'advertise-keys'
    if (isFirst && (journal.find(planHash)?.state === 'working' || !outbox.has(planHash))) return
    checkStillApproved(planHash, this.#site)
    const assignment = this.#assignmentOf(planHash)
    if (type === 'collect-updates') return uploadSealed(assignment, this.#site, signal)
    if (type === 'shares') return collectMasked(request, assignment, this.#site, signal)
    this.#site.link.send(await answerTo(request, assignment, this.#site, signal), assignment.study.hash)
  }

  /** Read from the store once: the study in it is verified each time, and a round asks six times. */
  #assignmentOf(planHash: Sha256): Assignment {
    if (this.#newest?.planHash !== planHash) this.#newest = assignmentOf(planHash, this.#site)
    return this.#newest
  }

  #isOpen(planHash: Sha256): boolean {
    const work = this.#site.store.journal.find(planHash)
    return work !== undefined && work.state !== 'over'
  }

  #enqueue(planHash: Sha256, task: Task, study?: Sha256): void {
    const line = this.#lines.get(planHash) ?? newLine()
    this.#lines.set(planHash, line)
    line.tasks += 1
    const done = line.last.then(() => this.#run(planHash, line, task, study))
    line.last = done.catch(() => undefined)
    this.#start(done)
  }

  async #run(planHash: Sha256, line: Line, task: Task, study?: Sha256): Promise<void> {
    const { signal } = line.controller
    try {
      if (!signal.aborted) await task(signal)
    } catch (error) {
      if (isCalledOff(error, signal)) return
      // The link is what failed: assignment and request come again with the stream.
      if (errorCode(error) === 'link-down') throw error
      this.#giveUp(planHash, error, study)
    } finally {
      line.tasks -= 1
      if (line.tasks === 0 && this.#lines.get(planHash) === line) this.#lines.delete(planHash)
    }
  }

  /** Ends this site's part in a round with a refusal. */
  #giveUp(planHash: Sha256, error: unknown, assigned?: Sha256): void {
    const study = assigned ?? this.#site.store.journal.find(planHash)?.study
    orTell(this.#site, () => this.#site.store.journal.over(planHash, 'refused', refusalOf(error).reason))
    refuse(this.#site, { planHash, ...(study && { study }) }, error)
    orTell(this.#site, () => tidy(this.#site))
  }
}

async function answerTo(
  request: Exclude<PhaseRequest, { type: 'collect-updates' | 'shares' }>,
  assignment: Assignment,
  site: Site,
  signal: AbortSignal,
) {
  switch (request.type) {
    case 'advertise-keys':
      return advertiseKeys(assignment, site)
    case 'directory':
      return shareKeys(request, assignment, site)
    case 'survivors':
      return confirmSurvivors(request, assignment, site, signal)
    case 'quorum':
      return unmask(request, assignment, site)
    case 'verify-sum':
      return verifySum(request, assignment, site, signal)
  }
}

function newLine(): Line {
  return { controller: new AbortController(), last: Promise.resolve(), tasks: 0, isWorking: false, isVerifying: false }
}

/** Hash and study of a plan that failed a check, for the refusal to name; nothing is done with them but that. */
function planNamedBy(signed: SignedRoundPlan): { readonly planHash?: Sha256; readonly study?: Sha256 } {
  try {
    const plan = roundPlanSchema.parse(JSON.parse(Buffer.from(signed.bytes).toString('utf8')))
    return { planHash: hashOfPlan(plan), study: plan.study }
  } catch {
    return {}
  }
}
