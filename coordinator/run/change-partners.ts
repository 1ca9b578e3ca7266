/**
 * A run goes on among other partners: a round that still waits for them begins with the new ones; one that has a plan ends as
 * it is, further attempts of it too.
 */
import { isSameSet, partnerPurposes } from '@consilium/protos/plan/partner-change.ts'
import { isAmongPartners } from '../round/partners.ts'
import type { RunEvent } from './events.ts'
import type { Partners, Run } from './state.ts'

/** Nothing for a purpose whose partners are not settled, or are these already. */
export function changePartners(run: Run, to: Partners, at: string): RunEvent[] {
  const changed = partnerPurposes.flatMap((purpose) => {
    const [before, after] = [run.partners[purpose], to[purpose]]
    return before && after && !isSameSet(before, after) ? [[purpose, [...after]] as const] : []
  })
  return changed.length === 0 ? [] : [{ type: 'run-partners-changed', at, partners: Object.fromEntries(changed) }]
}

export function withChangedPartners(run: Run, changed: Partners): Run {
  const next = { ...run, partners: { ...run.partners, ...changed } }
  const { current } = run
  if (current?.phase !== 'recruit' || !isAmongPartners(current.setting) || current.setting.attempt) return next
  const partners = changed[current.setting.purpose as keyof Partners]
  if (!partners) return next
  return { ...next, current: { ...current, expected: partners, setting: { ...current.setting, partners } } }
}
