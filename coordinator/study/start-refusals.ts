/** Why a run of a study does not start now: too few approvals stand, or sites would refuse its first sum. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { presentSites } from '../round/presence.ts'
import type { StartRefusal } from '../run-outlook.ts'
import { columnRefusal } from './columns-outlook.ts'
import { repetition } from './repetition.ts'
import type { Situation } from './situation.ts'

export function startRefusals(situation: Situation): StartRefusal[] {
  const { manifest, attendance, runs } = situation
  return [tooFew(situation), repetition(manifest, presentSites(attendance), runs), columnRefusal(situation)].filter(
    (refusal) => refusal !== undefined,
  )
}

/** Throws the first of them, with its ways out. */
export function checkMayStart(situation: Situation): void {
  const [refusal] = startRefusals(situation)
  if (!refusal) return
  const { code, reason, waysOut } = refusal
  const ways = waysOut.join('; or ')
  throw new FederationError(code, ways ? `${reason}. ${ways[0]!.toUpperCase()}${ways.slice(1)}` : reason)
}

/** Sites whose approval stands, by name. */
function able({ attendance }: Situation): SiteName[] {
  return [...attendance].flatMap(([site, { excluded }]) => (excluded ? [] : [site])).sort()
}

function tooFew(situation: Situation): StartRefusal | undefined {
  const { name, manifest, enrolled } = situation
  const { min, require } = manifest.study.cohort
  const approved = able(situation)
  const lacking = Array.isArray(require) ? require.filter((site) => !approved.includes(site)) : []
  if (lacking.length > 0)
    return refusal(
      `study ${name} requires ${lacking.join(', ')} (cohort.require): no approval of ${lacking.length === 1 ? 'this site' : 'these sites'} stands`,
    )
  if (approved.length >= min) return undefined
  const others = enrolled.filter((site) => !approved.includes(site))
  return refusal(
    `${approved.length} sites approved study ${name}, it needs ${min}; still to approve: ${others.join(', ') || 'none enrolled'}`,
  )
}

function refusal(reason: string): StartRefusal {
  return { code: 'cohort-too-small', reason, waysOut: [] }
}
