/**
 * A refusal as both ends have it: whole at the site, and on the wire a code of the closed list and nothing else, which is
 * checked here for every refusal that a test looks at.
 */
import { refusalCodeOf } from '@consilium/protos/refusal-codes.ts'
import { expect } from 'vitest'
import type { SiteFixture } from './site-fixture.ts'

/** What the coordinator heard of the `times`-th refusal it was told, with code and reason as the site keeps them. */
export async function refusalAt({ coordinator, store }: SiteFixture, times = 1) {
  const heard = await coordinator.until(
    () => coordinator.sent.flatMap((message) => (message.type === 'refusal' ? [message] : []))[times - 1],
  )
  const { code, reason } = store.records.refusals(1)[0]!
  const { type, planHash, studyHash, ...told } = heard
  expect(told).toEqual({ code: refusalCodeOf(code as Parameters<typeof refusalCodeOf>[0]) })
  return { type, planHash, studyHash, code, reason }
}
