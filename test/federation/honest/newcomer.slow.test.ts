/**
 * A fifth hospital joins while a study runs, and approves it before the others have approved its key. What should happen:
 * the rounds go on with the four, people see why, and the fifth takes part as soon as all have pinned one another. What
 * should not happen: a round that fails, or drops a site, on the way.
 */
import type { RunView } from '@consilium/coordinator/services.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { main } from '@consilium/site-agent/cli/main.ts'
import type { JoinedSite } from '@consilium/site-agent/link/identity-files.ts'
import { expect, test } from 'vitest'
import { refusals } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'

test('a run goes on without a site that the others have not pinned, and with it once they have', async () => {
  await using federation = await hostileFederation()
  const four = [...federation.joined.values()]
  const run = await federation.start({ rounds: 1000, evaluation: { bins: 8, everyRounds: 1 } })
  const newcomer = await federation.join('aarau')
  const others = 'basel, cleveland, hungary and zurich'
  const leaving = await viewOf(federation, run, ({ current }) => current?.leftOut?.[0]?.reason.startsWith(others))
  expect(leaving.current?.leftOut).toEqual([
    { site: 'aarau', reason: `${others} have not approved its identity (site-agent roster approve aarau)` },
  ])
  const later = leaving.current!.round + 2
  const without = await viewOf(federation, run, ({ rounds }) => rounds.some(({ round }) => round === later))
  expect(without.rounds.filter(({ survivors, dropouts }) => survivors.length !== 4 || dropouts.length > 0)).toEqual([])

  for (const site of four) expect(await approve(site, newcomer)).toEqual({ code: 0, told: true })
  const five = await viewOf(
    federation,
    run,
    ({ rounds }) => rounds.at(-1)?.survivors.length === 5 && rounds.at(-1)?.loss !== undefined,
  )
  expect(five.rounds.at(-1)?.survivors).toEqual(['aarau', ...siteNames])
  expect(five.rounds.flatMap(({ dropouts }) => dropouts)).toEqual([])
  expect(five.current?.leftOut).toBeUndefined()
  // What it costs: evaluations stay among the partners of the first one.
  const evaluations = [...federation.plans.values()].filter(({ purpose }) => purpose === 'evaluate')
  expect(new Set(evaluations.map(({ cohort }) => cohort.join()))).toEqual(new Set([siteNames.join()]))
  expect(refusals(federation)).toEqual([])
  await federation.admin.cancelRun(run, 'seen enough')
})

/** A person at the site uses the command line, beside the running agent. */
async function approve({ state }: JoinedSite, { site, identity }: JoinedSite) {
  const out: string[] = []
  const write = (text: string) => void out.push(text)
  const terminal = { isLive: false, hasColor: false, columns: 100, write, writeError: write }
  const context = { terminal, readInput: async () => '', interrupted: AbortSignal.abort() }
  const args = ['roster', 'approve', site, fingerprint(identity.publicKey), '--json', '--site', `${state}/..`]
  const code = await main([...args, '--state', state], context)
  return { code, told: JSON.parse(out.join('')).told as unknown }
}

async function viewOf(
  { admin }: HostileFederation,
  run: string,
  holds: (view: RunView) => boolean | undefined,
): Promise<RunView> {
  for await (const view of admin.watchRun(run, new AbortController().signal)) if (holds(view)) return view
  throw new Error(`the run ${run} ended before`)
}
