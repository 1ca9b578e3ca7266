/**
 * Attempts (fedsum, section E.4): where statistics or an evaluation lost one of their partners within the session, the same
 * round is planned once more, in a session of its own, over the very same content. Both ends and the audit tell such a plan
 * by these rules.
 */
import { canonicalJson } from '../hash.ts'
import type { RoundPlan } from './round-plan.ts'

/** 1 for the plan that a round begins with. */
export function attemptOf({ attempt }: Pick<RoundPlan, 'attempt'>): number {
  return attempt?.number ?? 1
}

/** Whether this plan asks for the very sum that the other one does: they differ in the head of the log and the attempt. */
export function repeats(plan: RoundPlan, before: RoundPlan): boolean {
  return Buffer.compare(contentOf(plan), contentOf(before)) === 0
}

function contentOf({ attempt: _, logHead: _head, ...content }: RoundPlan): Buffer {
  return canonicalJson(content)
}
