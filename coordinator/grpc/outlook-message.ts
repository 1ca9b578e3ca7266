/** The outlook of a run as a message of admin.proto. */
import type { RunOutlook as WireRunOutlook } from '@consilium/protos/gen/consilium/v1/RunOutlook.ts'
import type { RunOutlook } from '../services.ts'

export function outlookMessage({ refusals, sites, sums, limits, columnsTaken, ...rest }: RunOutlook): WireRunOutlook {
  return {
    ...rest,
    refusals: refusals.map((refusal) => ({ ...refusal, waysOut: [...refusal.waysOut] })),
    sites: [...sites],
    columnsTaken: columnsTaken.map(({ run, columns }) => ({ run, columns: [...columns] })),
    sums: sums.map((sum) => ({ ...sum, sites: [...sum.sites], missing: [...sum.missing], waysOut: [...sum.waysOut] })),
    limits: limits.map((limit) => ({ ...limit, sites: [...limit.sites] })),
  }
}
