/**
 * A hospital's people change `policy.yaml` while a run goes on: to one under which its study would not have passed, or to one
 * that contradicts itself. What should happen: the hospital leaves at the next round with one code, its own people read which
 * rule or line it is, the others go on, and it is back once that is settled. What should not: work under a policy of before,
 * an agent that ends, or an approval that is lost.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { atSite, viewOf } from '../../support/hostile/people.ts'

const site = 'zurich'
const others = ['basel', 'cleveland', 'hungary']
const said = "refused: policy-refused: the site's own log and status say what it found"

test('a policy stricter than the study it approved: the hospital leaves, says why here, and a person takes it back', async () => {
  await using federation = await hostileFederation()
  const run = await federation.start({ rounds: 1000 })
  await viewOf(federation, run, ({ rounds }) => rounds.at(-1)?.survivors.length === 4)
  change(federation, (policy) => ({ ...policy, approve: { ...policy.approve, accept: [] } }))
  const left = await viewOf(federation, run, ({ rounds }) => rounds.at(-1)?.survivors.length === 3)
  expect(left.rounds.at(-1)).toMatchObject({
    survivors: others,
    dropouts: [{ site, phase: 'work', reason: said }],
  })
  const { events } = federation.agents.get(site)!
  const refused = events.find(({ type }) => type === 'refused')
  expect(refused).toMatchObject({
    code: 'policy-refused',
    reason: expect.stringMatching(
      /is approved here, and breaks rules of the policy as it is now .*rounds: 1000 rounds, at most 200/,
    ),
  })
  const study = left.studyHash
  expect((await atSite(federation, site, 'study', 'show', study)).decision).toMatchObject({ decision: 'approved' })
  const accepted = /--accept (\S+)/.exec(refused?.type === 'refused' ? refused.reason : '')![1]!
  await atSite(federation, site, 'study', 'approve', study, '--accept', accepted)
  const round = left.rounds.at(-1)!.round
  await viewOf(federation, run, ({ rounds }) =>
    rounds.some((over) => over.round > round && over.survivors.length === 4),
  )
  await federation.admin.cancelRun(run, 'seen enough')
})

test('a policy that contradicts itself: the hospital stays away until it is mended, and nothing is lost', async () => {
  await using federation = await hostileFederation()
  const run = await federation.start({ rounds: 1000 })
  await viewOf(federation, run, ({ rounds }) => rounds.at(-1)?.survivors.length === 4)
  const before = change(federation, (policy) => ({ ...policy, secure: { survivorsMin: 3, colluders: 2 } }))
  const left = await viewOf(federation, run, ({ rounds }) => rounds.at(-1)?.survivors.length === 3)
  expect(left.rounds.at(-1)).toMatchObject({
    survivors: others,
    dropouts: [{ site, reason: said }],
  })
  const { events } = federation.agents.get(site)!
  expect(events.find(({ type }) => type === 'refused')).toMatchObject({
    code: 'policy-refused',
    reason: expect.stringMatching(/policy\.yaml:1:\d+ secure\.survivorsMin: .*contradicts colluders/),
  })
  writeFileSync(join(federation.joined.get(site)!.state, '..', 'policy.yaml'), before)
  const round = left.rounds.at(-1)!.round
  await viewOf(federation, run, ({ rounds }) =>
    rounds.some((over) => over.round > round && over.survivors.length === 4),
  )
  await federation.admin.cancelRun(run, 'seen enough')
})

/** Writes the hospital's policy anew; gives the text of before. */
function change({ joined }: HostileFederation, bend: (policy: { readonly approve: object }) => object): string {
  const path = join(joined.get(site)!.state, '..', 'policy.yaml')
  const before = readFileSync(path, 'utf8')
  writeFileSync(path, JSON.stringify(bend(JSON.parse(before))))
  return before
}
