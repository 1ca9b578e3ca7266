/**
 * How far each site has come in the present round, and when it last told of progress. An agent tells of its work only where
 * that moved on; how long it may do so is bounded by the phase. Bytes count where they are a thousandth of the whole.
 */
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { SiteProgress } from '../run/view.ts'

export type Progress = {
  /** Quarters of the work done, as the site says: its work moved on, also where the number is the same. */
  worked(planHash: Sha256, site: SiteName, quarters: number, nowMs: number): void
  /** Bytes staged of an update that may have `bytesMax`. */
  uploaded(planHash: Sha256, site: SiteName, bytes: number, bytesMax: number, nowMs: number): void
  progressAtMs(site: SiteName): number | undefined
  /** What was told of this plan's round; nothing before a round has its plan. */
  of(planHash: Sha256 | undefined): ReadonlyMap<SiteName, SiteProgress>
}

type Measured = SiteProgress & {
  /** Staged when it last counted. */
  readonly countedBytes: number
  readonly atMs?: number
}

const quartersMax = 4
const none: Measured = { done: 0, total: 0, uploadedBytes: 0, countedBytes: 0 }

export function openProgress(): Progress {
  let plan: Sha256 | undefined
  let sites = new Map<SiteName, Measured>()

  function update(planHash: Sha256, site: SiteName, change: (before: Measured) => Measured): void {
    if (planHash !== plan) {
      plan = planHash
      sites = new Map()
    }
    sites.set(site, change(sites.get(site) ?? none))
  }

  return {
    worked(planHash, site, quarters, nowMs) {
      const done = Math.min(Math.floor(quarters), quartersMax)
      update(planHash, site, (before) => ({ ...before, done, total: quartersMax, atMs: nowMs }))
    },
    uploaded(planHash, site, bytes, bytesMax, nowMs) {
      update(planHash, site, (before) => {
        const counts = bytes > before.countedBytes && bytes >= before.countedBytes + bytesMax / 1000
        return { ...before, uploadedBytes: bytes, ...(counts && { countedBytes: bytes, atMs: nowMs }) }
      })
    },
    progressAtMs: (site) => sites.get(site)?.atMs,
    of(planHash) {
      const told = planHash === plan ? [...sites] : []
      return new Map(told.map(([site, { done, total, uploadedBytes }]) => [site, { done, total, uploadedBytes }]))
    },
  }
}
