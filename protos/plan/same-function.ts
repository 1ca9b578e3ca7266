/**
 * When two training sums from the same parameters are of the same function (fedsum, section E.4): then the difference of two
 * whose sites differ by a few is those sites' exact updates. Sites refuse such a pair; the coordinator says so first.
 */
import { canonicalJson, sha256Hex } from '../hash.ts'
import type { Sha256, SiteName } from './names.ts'
import type { StudyManifest } from './signed-study.ts'

/**
 * What a train sum is a function of besides the parameters: all of the study but its names and texts, where its parameters
 * come from, how long it goes on, who takes part, when, and how it is evaluated.
 */
export function functionHash({ study, graph, layout }: Pick<StudyManifest, 'study' | 'graph' | 'layout'>): Sha256 {
  const rest = Object.fromEntries(Object.entries(study).filter(([field]) => !besideTheFunction.has(field)))
  return sha256Hex(canonicalJson({ study: rest, graph: graph.sha256, layout }))
}

/** What is written of the initial parameters only says where they come from: sums are compared by the parameters themselves. */
const besideTheFunction = new Set([
  'name',
  'title',
  'description',
  'rounds',
  'cohort',
  'deadlines',
  'evaluation',
  'initialParameters',
])

/** Whether the difference of two sums would hold fewer sites than a sum must have, and any at all. */
export function isClose(one: readonly SiteName[], other: readonly SiteName[], survivorsMin: number): boolean {
  const sites = differing(one, other)
  return sites > 0 && sites < survivorsMin
}

/** In how many sites two sets differ. */
export function differing(one: readonly SiteName[], other: readonly SiteName[]): number {
  const kept = one.filter((site) => other.includes(site)).length
  return one.length + other.length - 2 * kept
}
