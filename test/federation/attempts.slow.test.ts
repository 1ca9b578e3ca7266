/**
 * kill -9 of one site's agent in the middle of statistics and of an evaluation, which need all their sites. What should
 * happen: the run waits, the agent comes back, and the round is attempted again over the very same content, once for each
 * step that it was killed after; the figures are bit for bit those of a run that lost nobody.
 */
import type { AgentEvent } from '@consilium/site-agent/round/events.ts'
import { expect, test } from 'vitest'
import { DeployedFederation } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

const victim = 'synthetic-c'
const study = { rounds: 1, localTraining: { steps: 4, batchSize: 16 }, deadlines: { absentMs: 300 } } as const
/** Once it has masked the others no longer need it: the round that it is killed in then ends with it in the sum. */
const steps = ['keys-advertised', 'keys-shared', 'uploaded'] as const satisfies readonly AgentEvent['type'][]

async function figures(federation: DeployedFederation, run: string) {
  const { state, parametersSha256, rounds } = await federation.watch(run)
  const { loss, auroc, accuracy } = rounds.at(-1)!
  return { state, parametersSha256, loss, auroc, accuracy }
}

test('an agent killed after each step of statistics and of an evaluation is waited for, and the figures are the same', async () => {
  await using heart = await heartFolder('synthetic')
  await using federation = await DeployedFederation.start(heart.folder)
  const site = federation.sites.get(victim)!
  const { run } = await federation.admin.startRun(await federation.createStudy(study))
  const ended = figures(federation, run)
  for (const purpose of ['statistics', 'evaluate'] as const)
    for (const [i, step] of steps.entries()) {
      await site.next((event) => event.type === step && event.purpose === purpose)
      await site.kill()
      if (step !== 'uploaded')
        for await (const { current } of federation.admin.watchRun(run))
          if (current?.purpose === purpose && current.attempt === i + 2) break
      site.start()
    }
  const disturbed = await ended
  expect(disturbed.state).toBe('finished')

  const log = await federation.log(run)
  const plans = log.flatMap(({ type, body }) => (type === 'cohort-selected' ? [body.plan as Plan] : []))
  expect(plans.map(({ purpose, attempt }) => [purpose, attempt?.number ?? 1])).toEqual([
    ...steps.map((_, i) => ['statistics', i + 1]),
    ['train', 1],
    ...steps.map((_, i) => ['evaluate', i + 1]),
  ])
  const committed = log.filter(({ type }) => type === 'round-committed')
  expect(committed.map(({ body }) => (body.result as Plan).purpose)).toEqual(['statistics', 'train', 'evaluate'])
  // It looked at its records once for each of the two.
  for (const purpose of ['statistics', 'evaluate'])
    expect(count(site.events, 'work-started', purpose)).toBe(1 + count(site.events, 'work-resumed', purpose))
  expect(count(site.events, 'attempted-again', 'statistics')).toBe(steps.length - 1)

  await using other = await DeployedFederation.start(heart.folder)
  const undisturbed = await other.admin.startRun(await other.createStudy(study))
  expect(disturbed).toEqual(await figures(other, undisturbed.run))
})

type Plan = { readonly purpose: string; readonly attempt?: { readonly number: number } }

function count(events: readonly AgentEvent[], type: AgentEvent['type'], purpose: string): number {
  return events.filter((event) => event.type === type && 'purpose' in event && event.purpose === purpose).length
}
