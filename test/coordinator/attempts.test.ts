/**
 * Statistics and evaluations that lose a hospital in the middle of the session, on a coordinator in this process: it comes
 * back, the round is attempted again, and the run comes to the very figures of one that lost nobody; the audit follows.
 */
import { canonicalJson } from '@consilium/protos/hash.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { expect, test } from 'vitest'
import { bundleLines } from '../../coordinator/audit/bundle.ts'
import { verifyBundle } from '../../coordinator/audit/verify-bundle.ts'
import { linesOf } from '../../coordinator/cli/log-source.ts'
import { newLines } from '../../coordinator/cli/run-text.ts'
import type { RunView } from '../../coordinator/services.ts'
import { collect } from '../support/collect.ts'
import { type CoordinatorFixture, coordinatorFixture, hasEnded } from '../support/coordinator-fixture.ts'
import type { FakeSite } from '../support/fake-site.ts'

const study = { rounds: 1, cohort: { min: 3, quorum: 3 } } as const

/** The figures of such a run among four sites that are always there. */
async function undisturbed(): Promise<Pick<RunView, 'parametersSha256' | 'rounds'>> {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run } = await fixture.startRun(study)
  const view = await fixture.runWhere(run, hasEnded)
  await fixture.stop()
  return view
}

async function audited(fixture: CoordinatorFixture, sites: readonly FakeSite[], run: string) {
  const { admin } = fixture
  const source = {
    signedHead: (stream: string) => admin.signedHead(stream),
    async *readLog(stream: string) {
      for await (const entry of admin.readLog(stream)) yield canonicalJson(entry)
    },
    async *fetchObject(sha256: string, offset: number) {
      yield* await admin.fetchObject(sha256, offset)
    },
  }
  const lines = await collect(bundleLines(source, run))
  return verifyBundle(linesOf([Buffer.from(lines.map((line) => `${line}\n`).join(''))]), {
    coordinator: fingerprint(fixture.identity.publicKey),
    sites: Object.fromEntries(sites.map(({ name, identity }) => [name, fingerprint(identity.publicKey)])),
  })
}

test.for([
  ['shares', 'collect-updates', 1],
  ['survivors', 'confirm-survivors', 2],
] as const)('lost with %s unanswered, in statistics and in the evaluation', async ([message, phase, lost]) => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const losing = sites.slice(-lost)
  const { hash } = await fixture.createStudy(study)
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 4)
  for (const site of losing)
    site.answers = ({ type }, { purpose, attempt }) => purpose === 'train' || attempt !== undefined || type !== message
  const { run } = await fixture.admin.startRun(hash)
  const told: string[] = []
  for (const purpose of ['statistics', 'evaluate'] as const) {
    await fixture.runWhere(run, ({ current }) => current?.purpose === purpose && current.phase === phase)
    for (const site of losing) site.leave()
    while ((await fixture.admin.showRun(run)).current?.attempt !== 2) await fixture.pass(1000)
    const waiting = await fixture.admin.showRun(run)
    expect(waiting.current).toMatchObject({ purpose, phase: 'recruit', awaited: { answers: lost } })
    told.push(...newLines(undefined, waiting))
    // Nor does a coordinator that is started again forget that it waits.
    if (purpose === 'statistics') {
      await fixture.restart()
      for (const site of sites.slice(0, -lost)) site.attend()
    }
    for (const site of losing) site.attend()
  }
  const view = await fixture.runWhere(run, hasEnded)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  const { parametersSha256, rounds } = await undisturbed()
  expect(view.parametersSha256).toBe(parametersSha256)
  expect(view.rounds[1]).toMatchObject({ loss: rounds[1]!.loss, accuracy: rounds[1]!.accuracy })
  expect(told.join('\n')).toMatch(/round 0 {2}statistics, attempt 1, interrupted: /)
  expect(told.join('\n')).toMatch(/round 1 {2}evaluation, attempt 1, interrupted: /)
  expect(told.join('\n')).toMatch(/round 1 {2}evaluate, attempt 2: recruit, waiting for /)
  const report = await audited(fixture, sites, run)
  expect(report).toMatchObject({ ok: true, errors: [] })
  expect(report.rounds.map(({ purpose, outcome }) => [purpose, outcome])).toEqual([
    ['statistics', 'failed'],
    ['statistics', 'committed'],
    ['train', 'committed'],
    ['evaluate', 'failed'],
    ['evaluate', 'committed'],
  ])
  await fixture.stop()
})
