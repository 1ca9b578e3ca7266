/**
 * The agent: answers what the coordinator says on the control stream with the phases of a round, one file each in
 * `round/`. Work goes on while the stream is down; after a restart the journal says what is finished, what is to be
 * worked again and what is over.
 */

import { errorCode, errorMessage } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { planHash as hashOfPlan, roundPlanSchema, type SignedRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { Consent } from './consent.ts'
import type { FromCoordinator } from './link/link.ts'
import { finishWork, upload } from './round/collect-updates.ts'
import { commitRound, commitRun, tidy } from './round/commit.ts'
import { recruit } from './round/recruit.ts'
import { type Assignment, inRound, refusalOf, refuse, type Site } from './round/site.ts'
import { isCalledOff, work } from './round/work.ts'

export type Agent = {
  /** Attends until {@link stop}; rejects where dialling again cannot help (a revoked certificate). */
  attend(): Promise<void>
  /** Calls off what runs, ends the trainers, and waits until nothing moves. Unfinished work is worked again later. */
  stop(): Promise<void>
}

export function openAgent(site: Site, consent: Consent): Agent {
  const { journal, outbox, records } = site.store
  const stopping = new AbortController()
  const working = new Map<Sha256, AbortController>()
  const uploading = new Map<Sha256, AbortController>()
  const tasks = new Set<Promise<void>>()

  /** Runs something that takes time beside the messages; what it throws is told, and ends nothing else. */
  function start(task: Promise<void>): void {
    const settled = task.catch(trouble).finally(() => tasks.delete(settled))
    tasks.add(settled)
  }

  function trouble(error: unknown): void {
    if (!isCalledOff(error, stopping.signal)) site.emit({ type: 'trouble', ...refusalOf(error) })
  }

  function callOff(which: (planHash: Sha256) => boolean): void {
    for (const [planHash, controller] of [...working, ...uploading]) if (which(planHash)) controller.abort()
  }

  function onUp(): void {
    site.emit({ type: 'link-up' })
    for (const { planHash, state, study } of journal.open()) {
      if (state !== 'working' && outbox.has(planHash)) site.link.send({ type: 'work-done', planHash }, study)
    }
    start(consent.checkApproved(stopping.signal))
  }

  function onMessage(message: FromCoordinator): void {
    try {
      if (message.type === 'study') start(consent.offered(message.signedStudy, stopping.signal))
      else if (message.type === 'assignment') onAssignment(message.plan)
      else if (message.type === 'collect-updates') onCollectUpdates(message.planHash)
      else if (message.type === 'round-over') {
        commitRound(message, site)
        callOff((planHash) => planHash === message.planHash)
      } else {
        const study = commitRun(message, site)
        callOff((planHash) => journal.find(planHash)?.run === message.run)
        if (study) start(site.trainers.release(study))
      }
    } catch (error) {
      trouble(error)
    }
  }

  function onAssignment(signed: SignedRoundPlan): void {
    try {
      take(recruit(signed, site))
    } catch (error) {
      refuse(site, planNamedBy(signed), error)
    }
  }

  /** Takes an assignment up where the journal says this site is with it. */
  function take(assignment: Assignment): void {
    const { planHash, plan, study } = assignment
    if (working.has(planHash)) return
    const journaled = journal.find(planHash)
    if (journaled?.outcome === 'refused') {
      repeatRefusal(planHash, study.hash)
      return
    }
    if (journaled && outbox.has(planHash)) {
      // A contribution reaches the outbox whole or not at all, so it is finished even where the journal was cut short.
      if (journaled.state === 'working') journal.done(planHash, outbox.size(planHash))
      site.link.send({ type: 'work-done', planHash }, study.hash)
      return
    }
    journal.begin({
      planHash,
      run: plan.run,
      round: plan.round,
      purpose: plan.purpose,
      study: study.hash,
      model: plan.model,
    })
    callOff((other) => journal.find(other)?.state === 'over')
    tidy(site)
    start(workOn(assignment))
  }

  function repeatRefusal(planHash: Sha256, study: Sha256): void {
    const refusal = records.refusalOf(planHash)
    if (refusal) site.link.send({ type: 'refusal', planHash, code: refusal.code, reason: refusal.reason }, study)
  }

  async function workOn(assignment: Assignment): Promise<void> {
    const { planHash, plan, study } = assignment
    const controller = new AbortController()
    working.set(planHash, controller)
    site.emit({ type: 'work-started', ...inRound(planHash, plan) })
    try {
      const result = await work(assignment, site, controller.signal)
      if (!controller.signal.aborted) finishWork(assignment, result, site)
    } catch (error) {
      if (isCalledOff(error, controller.signal)) return
      // The link is what failed, not the work: the assignment comes again with the stream.
      if (errorCode(error) === 'link-down') throw error
      journal.over(planHash, 'refused', errorMessage(error))
      refuse(site, { planHash, study: study.hash }, error)
      tidy(site)
    } finally {
      working.delete(planHash)
    }
  }

  function onCollectUpdates(planHash: Sha256): void {
    if (uploading.has(planHash) || !outbox.has(planHash)) return
    const controller = new AbortController()
    uploading.set(planHash, controller)
    const uploaded = upload(planHash, site, controller.signal)
      .catch((error: unknown) => {
        if (!isCalledOff(error, controller.signal)) throw error
      })
      .finally(() => uploading.delete(planHash))
    start(uploaded)
  }

  return {
    attend() {
      tidy(site)
      return site.link.attend({
        onUp,
        onDown: (reason) => site.emit({ type: 'link-down', reason }),
        onMessage,
        signal: stopping.signal,
      })
    },
    async stop() {
      stopping.abort()
      callOff(() => true)
      await site.trainers.stop()
      await Promise.all(tasks)
    },
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
