/** The outlook of a run from a message of admin.proto, which is also what `run plan --json` prints. */
import type { RunOutlook__Output } from '@consilium/protos/gen/consilium/v1/RunOutlook.ts'
import type { ThresholdsOutlook__Output } from '@consilium/protos/gen/consilium/v1/ThresholdsOutlook.ts'
import { purposeSchema } from '@consilium/protos/plan/names.ts'
import type { RunOutlook } from '../services.ts'
import { oneOf } from './one-of.ts'

export function outlookView(message: RunOutlook__Output): RunOutlook {
  const { studyHash, studyName, refusals, sites, thresholds, sums, limits, columnsTaken } = message
  return {
    studyHash,
    studyName,
    aggregation: oneOf(message.aggregation, ['secure', 'sealed']),
    refusals: refusals.map(({ code, reason, waysOut }) => ({
      code: oneOf(code, ['cohort-too-small', 'cohort-differencing', 'column-summed']),
      reason,
      waysOut,
    })),
    sites: sites.map(({ site, decision, attending, awaySince }) => ({
      site,
      decision: oneOf(decision, ['approve', 'reject', 'refused', 'none']),
      attending,
      ...(awaySince !== '' && { awaySince }),
    })),
    ...(thresholds && { thresholds: thresholdsView(thresholds) }),
    columnsTaken: columnsTaken.map(({ run, columns }) => ({ run, columns })),
    sums: sums.map(({ purpose, outlook, sites, settled, missing, reason, waysOut }) => ({
      purpose: oneOf(purpose, purposeSchema.options),
      outlook: oneOf(outlook, ['made', 'taken', 'waits', 'withheld', 'fails', 'refused']),
      sites,
      settled,
      missing: missing.map(({ site, why }) => ({ site, why })),
      reason,
      waysOut,
    })),
    limits: limits.map(({ limit, used, max, sites, text }) => ({
      limit: oneOf(limit, ['approve.runsMax', 'secure.evaluateExposuresMax', 'secure.trainExposuresMax']),
      used,
      max,
      sites,
      text,
    })),
  }
}

function thresholdsView(message: ThresholdsOutlook__Output): NonNullable<RunOutlook['thresholds']> {
  const { planned, sites, colluders, survivorsMin, threshold, fewest } = message
  return { planned, sites, colluders, survivorsMin, threshold, fewest }
}
