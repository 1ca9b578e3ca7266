/** Who is not in a run's model: the sites of the run that are missing from rounds whose sums count. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { MissingSite, RunView } from '../services.ts'
import type { Run } from './state.ts'

/** Round numbers that a view names for each site. */
const namedMax = 10

/** Sites that approved the study as the run started, or were in a cohort later, and what each was not in; by name. */
export function missingSites(run: Pick<Run, 'sites' | 'past'>): MissingSite[] {
  const missed = new Map<SiteName, number[]>()
  for (const { setting, survivors, outcome } of run.past) {
    if (outcome.type !== 'committed' || setting.purpose !== 'train') continue
    for (const site of run.sites)
      if (!survivors.includes(site)) missed.set(site, [...(missed.get(site) ?? []), setting.round])
  }
  return [...missed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([site, rounds]) => missingSite(site, rounds))
}

/** `without va in rounds 3 and 7`; empty where every site was in every round. */
export function subsetText({ missing = [] }: Pick<RunView, 'missing'>): string {
  return missing.map(({ site, rounds, first }) => `without ${site} in ${roundsText(rounds, first)}`).join(', ')
}

function missingSite(site: SiteName, rounds: readonly number[]): MissingSite {
  return { site, rounds: rounds.length, first: rounds.slice(0, namedMax) }
}

function roundsText(rounds: number, first: readonly number[]): string {
  if (rounds === 1) return `round ${first[0]}`
  const more = rounds - first.length
  const named = more > 0 ? [...first, `${more} more`] : first
  return `rounds ${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
}
