/**
 * Which sites may stand in one secure round: every site refuses a plan with an identity that it has not pinned (fedsum,
 * section A.4: S1), so only sites that all pinned one another are recruited. What they tell of their pins spares rounds
 * that could only fail; no site relies on it.
 */
import type { Purpose, SiteName } from '@consilium/protos/plan/names.ts'
import { type Attendance, presentSites, standsOutOf } from './presence.ts'

/**
 * These sites, but for those that stand in the way: while a pair has not pinned each other, the site that is in most such
 * pairs is left out; among several, one that is not in `preferred`, then the last by name. A site that has told nothing
 * yet is taken to have pinned everybody.
 */
export function mutuallyPinned(
  sites: readonly SiteName[],
  attendance: Attendance,
  preferred: readonly SiteName[],
): SiteName[] {
  const unlinked = new Map(
    sites.map((site) => [site, new Set(sites.filter((other) => !areLinked(attendance, site, other)))]),
  )
  const isPreferred = new Set(preferred)
  for (;;) {
    const worst = [...unlinked.keys()].reduce<SiteName | undefined>((worst, site) => {
      if (worst === undefined) return site
      const more = unlinked.get(site)!.size - unlinked.get(worst)!.size
      if (more !== 0) return more > 0 ? site : worst
      if (isPreferred.has(site) !== isPreferred.has(worst)) return isPreferred.has(worst) ? site : worst
      return site > worst ? site : worst
    }, undefined)
    if (worst === undefined || unlinked.get(worst)!.size === 0) return [...unlinked.keys()]
    for (const other of unlinked.get(worst)!) unlinked.get(other)!.delete(worst)
    unlinked.delete(worst)
  }
}

/**
 * The sites that attend, may take part and have told what they pinned: only these are recruited in secure mode. Where a purpose
 * is given, without those that say they would refuse it.
 */
export function toldSites(attendance: Attendance, purpose?: Purpose): SiteName[] {
  return presentSites(attendance)
    .filter((site) => attendance.get(site)?.pins)
    .filter((site) => !purpose || !standsOutOf(attendance.get(site), purpose))
}

export type LeftOut = { readonly site: SiteName; readonly reason: string }

/** `among`: the sites whose missing approvals are told. */
export function leftOutOf(cohort: readonly SiteName[], among: readonly SiteName[], attendance: Attendance): LeftOut[] {
  return toldSites(attendance)
    .filter((site) => !cohort.includes(site))
    .flatMap((site) => {
      const without = among.filter((other) => !hasPinned(attendance, other, site))
      const unknown = among.filter((other) => !hasPinned(attendance, site, other))
      const reasons = [
        ...(without.length > 0
          ? [`${listed(without)} not approved its identity (site-agent roster approve ${site})`]
          : []),
        ...(unknown.length > 0
          ? [`it has not approved the identity of ${names(unknown)} (site-agent roster list)`]
          : []),
      ]
      return reasons.length > 0 ? [{ site, reason: reasons.join('; ') }] : []
    })
}

function areLinked(attendance: Attendance, site: SiteName, other: SiteName): boolean {
  return hasPinned(attendance, site, other) && hasPinned(attendance, other, site)
}

function hasPinned(attendance: Attendance, by: SiteName, site: SiteName): boolean {
  const pins = attendance.get(by)?.pins
  return by === site || pins === undefined || pins.get(site) === attendance.get(site)?.identityPublicKey
}

/** Sites named in one reason. */
const namesMax = 5

function listed(sites: readonly SiteName[]): string {
  return `${names(sites)} ${sites.length === 1 ? 'has' : 'have'}`
}

function names(sites: readonly SiteName[]): string {
  const named = sites.length > namesMax ? [...sites.slice(0, namesMax), `${sites.length - namesMax} others`] : sites
  return named.length < 2 ? named.join('') : `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
}
