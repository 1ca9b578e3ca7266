/** Two sums over the same parameters whose survivors differ by one site: their difference would be that site's update (A.9). */
import type { FromSite } from '@consilium/coordinator/services.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect } from 'vitest'
import { droppedIn, refusalsOf } from './attacks.ts'
import type { HostileFederation } from './federation.ts'
import type { Heard } from './recorded.ts'
import { leaks } from './secrecy.ts'

const others = ['basel', 'cleveland', 'hungary']

/** The coordinator takes the site for one that gave up. */
export function withoutZurich({ site, message }: Heard): readonly FromSite[] | undefined {
  if (site !== 'zurich' || message.type !== 'work-done') return undefined
  return [{ type: 'refusal', planHash: message.planHash, code: 'data-not-ready' }]
}

export async function expectDifferencingRefused(federation: HostileFederation, run: string): Promise<void> {
  for (const site of others) expect(refusalsOf(federation, site)).toEqual(['cohort-differencing'])
  const entries = await federation.entries(runStream(run))
  expect(others.flatMap((site) => droppedIn(federation, entries, site))).toContain('cohort-differencing')
  expect(await leaks(federation)).toEqual([])
}
