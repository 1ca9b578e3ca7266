/**
 * The assignments a site has taken up: from recruit through work to collect-updates, each on its own, continued after a
 * restart where the journal says it stood, called off when its round ends without it.
 */
import { errorCode, errorMessage } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { planHash as hashOfPlan, roundPlanSchema, type SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { finishWork, upload } from './collect-updates.ts'
import { tidy } from './commit.ts'
import { checkStillApproved, recruit } from './recruit.ts'
import { type Assignment, inRound, refuse, type Site } from './site.ts'
import { isCalledOff, work } from './work.ts'

/** Runs something that takes time beside the messages; what it throws is told, and ends nothing else. */
export type Start = (task: Promise<void>) => void

export class Assignments {
  readonly #site: Site
  readonly #start: Start
  readonly #working = new Map<Sha256, AbortController>()
  readonly #uploading = new Map<Sha256, AbortController>()
  /** Plans whose update was asked for before it was finished. */
  readonly #awaited = new Set<Sha256>()

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

  /** Says again which work is finished: the coordinator may have missed it. */
  announce(): void {
    const { journal, outbox } = this.#site.store
    for (const { planHash, state, study } of journal.open())
      if (state !== 'working' && outbox.has(planHash)) this.#site.link.send({ type: 'work-done', planHash }, study)
  }

  /** Uploads the update of a plan, now or once it is finished. */
  collect(planHash: Sha256): void {
    if (this.#uploading.has(planHash)) return
    if (!this.#site.store.outbox.has(planHash)) {
      if (this.#working.has(planHash)) this.#awaited.add(planHash)
      return
    }
    try {
      checkStillApproved(planHash, this.#site)
      this.#start(this.#upload(planHash))
    } catch (error) {
      this.#giveUp(planHash, error)
    }
  }

  /** Ends what still runs for plans that are over, or for all. The last answer to an upload may follow its commit. */
  callOff(which: 'over' | 'all'): void {
    for (const [planHash, controller] of [...this.#working, ...this.#uploading]) {
      const work = this.#site.store.journal.find(planHash)
      if (which === 'all' || (work?.state === 'over' && work.outcome !== 'committed')) controller.abort()
    }
  }

  #take(assignment: Assignment): void {
    const { planHash, plan, study } = assignment
    const { journal, outbox, records } = this.#site.store
    if (this.#working.has(planHash)) return
    const journaled = journal.find(planHash)
    if (journaled?.outcome === 'refused') {
      const refusal = records.refusalOf(planHash)
      if (refusal)
        this.#site.link.send({ type: 'refusal', planHash, code: refusal.code, reason: refusal.reason }, study.hash)
      return
    }
    if (journaled && outbox.has(planHash)) {
      // A contribution reaches the outbox whole or not at all, so it is finished even where the journal was cut short.
      if (journaled.state === 'working') journal.done(planHash, outbox.size(planHash))
      this.#site.link.send({ type: 'work-done', planHash }, study.hash)
      return
    }
    const { run, round, purpose, model } = plan
    journal.begin({ planHash, run, round, purpose, study: study.hash, model })
    this.callOff('over')
    tidy(this.#site)
    this.#start(this.#work(assignment))
  }

  async #work(assignment: Assignment): Promise<void> {
    const { planHash, plan } = assignment
    const { signal } = this.#begin(this.#working, planHash)
    this.#site.emit({ type: 'work-started', ...inRound(planHash, plan) })
    try {
      const result = await work(assignment, this.#site, signal)
      if (signal.aborted) return
      finishWork(assignment, result, this.#site)
      if (this.#awaited.delete(planHash)) this.collect(planHash)
    } catch (error) {
      if (isCalledOff(error, signal)) return
      // The link is what failed, not the work: the assignment comes again with the stream.
      if (errorCode(error) === 'link-down') throw error
      this.#giveUp(planHash, error)
    } finally {
      this.#working.delete(planHash)
      this.#awaited.delete(planHash)
    }
  }

  async #upload(planHash: Sha256): Promise<void> {
    const { signal } = this.#begin(this.#uploading, planHash)
    try {
      await upload(planHash, this.#site, signal)
    } catch (error) {
      if (!isCalledOff(error, signal)) throw error
    } finally {
      this.#uploading.delete(planHash)
    }
  }

  #begin(running: Map<Sha256, AbortController>, planHash: Sha256): AbortController {
    const controller = new AbortController()
    running.set(planHash, controller)
    return controller
  }

  /** Ends this site's part in a round with a refusal. */
  #giveUp(planHash: Sha256, error: unknown): void {
    const study = this.#site.store.journal.find(planHash)?.study
    this.#site.store.journal.over(planHash, 'refused', errorMessage(error))
    refuse(this.#site, { planHash, ...(study && { study }) }, error)
    tidy(this.#site)
  }
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
