/** What would become of a run if it were started now (fedsum, section E.4): said before, so that nothing is withheld unsaid. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { sessionThresholds, studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { RunOutlook, SiteOutlook, ThresholdsOutlook } from '../run-outlook.ts'
import { limitsOutlook } from './limits-outlook.ts'
import { runToCome, type Situation } from './situation.ts'
import { startRefusals } from './start-refusals.ts'
import { prospects, sumsOutlook } from './sums-outlook.ts'

export function runOutlook(situation: Situation): RunOutlook {
  const { hash, name, manifest } = situation
  const { mode } = manifest.study.aggregation
  const sums = sumsOutlook(situation)
  const evaluating = sums.find(({ purpose }) => purpose === 'evaluate')?.sites ?? []
  const thresholds = thresholdsOutlook(situation)
  return {
    studyHash: hash,
    studyName: name,
    aggregation: mode,
    refusals: startRefusals(situation),
    sites: sitesOutlook(situation),
    ...(thresholds && { thresholds }),
    columnsTaken: runToCome(situation).taken,
    sums,
    limits: mode === 'secure' ? limitsOutlook(situation, evaluating) : [],
  }
}

function sitesOutlook({ enrolled, decisions, attendance, isAttending }: Situation): SiteOutlook[] {
  const all: SiteName[] = [...new Set([...enrolled, ...decisions.keys()])].sort()
  return all.map((site) => {
    const awayMs = attendance.get(site)?.absentSinceMs
    return {
      site,
      decision: decisions.get(site)?.decision ?? 'none',
      attending: isAttending(site),
      ...(awayMs !== undefined && { awaySince: new Date(awayMs).toISOString() }),
    }
  })
}

function thresholdsOutlook(situation: Situation): ThresholdsOutlook | undefined {
  const { cohort, aggregation } = situation.manifest.study
  if (aggregation.mode !== 'secure') return undefined
  const { here, fewest } = prospects(situation, { round: 1, purpose: 'train' })
  const { colluders, survivorsMin } = studyThresholds({ cohort, aggregation }, Math.max(here.length, fewest))
  const session = here.length >= fewest ? sessionThresholds(here.length, { colluders, survivorsMin }) : undefined
  return {
    planned: cohort.planned ?? 0,
    sites: here.length,
    colluders,
    survivorsMin: session?.survivorsMin ?? survivorsMin,
    threshold: session?.threshold ?? 0,
    fewest,
  }
}
