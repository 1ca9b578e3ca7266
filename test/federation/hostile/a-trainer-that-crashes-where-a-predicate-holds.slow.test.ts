/**
 * A study whose trainer ends in an error exactly where a predicate of the records holds, here at one hospital. In training
 * the hospital sends zeros like any other update, and the coordinator is left with "3 of 4 contributed". In an evaluation
 * it says one code, once, and then stands out of the study's evaluations until a person looks: one bit a study, not one a
 * round.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { StartTrainer } from '@consilium/site-agent/train/trainer.ts'
import { expect, test } from 'vitest'
import { refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import type { SiteLies } from '../../support/hostile/site.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const holds = 'zurich'
const evaluated = { bins: 8, everyRounds: 1 }

test('in training nobody but the hospital learns where it holds', async () => {
  const { trainer } = crashing('train')
  await using federation = await hostileFederation({ trainer })
  const view = await federation.run({ rounds: 3 })
  expect(view.state).toBe('finished')
  for (const round of view.rounds) expect(round).toMatchObject({ survivors: siteNames, dropouts: [], contributors: 3 })
  // What it says is what the others say, in kind and in number.
  const [own, other] = [holds, 'basel'].map((site) => kindsOf(federation.recorded.heard, site))
  expect(own).toEqual(other)
  const trained = federation.recorded.uploads.filter(
    ({ planHash }) => federation.plans.get(planHash)?.purpose === 'train',
  )
  expect(trained).toHaveLength(12)
  expect(new Set(trained.map(({ bytes }) => bytes.length)).size).toBe(1)
  expect(await leaks(federation)).toEqual([])
})

test('in evaluations it is one bit, and then the hospital stands out of them, whatever it is asked', async () => {
  const { trainer, calls } = crashing('evaluate')
  await using federation = await hostileFederation({ trainer })
  const run = await federation.start({ rounds: 3, evaluation: evaluated })
  // The evaluation of the last model waits for somebody at the hospital to look; nobody does.
  for await (const { current } of federation.admin.watchRun(run, new AbortController().signal))
    if (current?.round === 3 && current.purpose === 'evaluate' && current.awaited?.sites.includes(holds)) break
  await federation.admin.finishRun(run, 'nobody looks')
  const view = await federation.ended(run)
  expect(view.state).toBe('finished')
  expect(view.rounds.map(({ loss }) => loss)).toEqual([undefined, undefined, undefined])
  const codes = federation.recorded.heard.flatMap(({ site, message }) =>
    site === holds && message.type === 'refusal' ? [message.code] : [],
  )
  expect(new Set(codes)).toEqual(new Set(['site-fault']))
  // Its trainer was asked in one round, twice, as a crash may be chance; in the other rounds it was not asked.
  expect(calls).toEqual(['evaluate', 'evaluate'])
  expect(new Set(refusalsOf(federation, holds))).toEqual(new Set(['site-fault']))
})

test('control: a site that says in training that it cannot tells where it holds, in each round', async () => {
  const refusing: SiteLies = {
    say: (message) =>
      message.type === 'advertise'
        ? [{ type: 'refusal', planHash: message.planHash, code: 'data-not-ready' }]
        : [message],
  }
  await using federation = await hostileFederation({ sites: { [holds]: refusing } })
  const view = await federation.run({ rounds: 2 })
  expect(
    view.rounds.map(({ dropouts }) => dropouts.flatMap(({ site, purpose }) => (purpose === 'train' ? [site] : []))),
  ).toEqual([[holds], [holds]])
})

/** Where the predicate holds this task ends in a crash. */
function crashing(task: 'train' | 'evaluate') {
  const calls: string[] = []
  const crash = async () => {
    calls.push(task)
    throw new FederationError('trainer-failed', 'the training process ended with SIGSEGV')
  }
  const trainer = (site: string, number: number): StartTrainer | undefined =>
    site === holds ? async (options) => ({ ...(await madeUpTrainer(number).start(options)), [task]: crash }) : undefined
  return { trainer, calls }
}

function kindsOf(heard: readonly { readonly site: string; readonly message: { readonly type: string } }[], of: string) {
  const kinds = heard.flatMap(({ site, message }) => (site === of ? [message.type] : []))
  return Object.entries(Object.groupBy(kinds, (kind) => kind))
    .filter(([kind]) => ['advertise', 'share-keys', 'work-done', 'refusal', 'verified'].includes(kind))
    .map(([kind, all]) => `${all!.length} ${kind}`)
    .sort()
}
