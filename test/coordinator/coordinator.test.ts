/** Whole runs on a coordinator in this process: four sites that do as they are asked, and what disturbs them. */
import { decodeModel } from '@consilium/models/onnx/codec.ts'
import { errorCode } from '@consilium/protos/errors.ts'
import { type LogEntry, verifyChain } from '@consilium/protos/log/entry.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { expect, test } from 'vitest'
import type { RunView, ToSite } from '../../coordinator/services.ts'
import { collect } from '../support/collect.ts'
import {
  type CoordinatorFixture,
  coordinatorFixture,
  hasEnded,
  makeStudy,
  sealed,
  siteNames,
} from '../support/coordinator-fixture.ts'
import { contributionOf, type FakeSite } from '../support/fake-site.ts'

const eventsOf = async ({ admin }: CoordinatorFixture, run: string): Promise<LogEntry[]> =>
  collect(admin.readLog(`run/${run}`))
const typesOf = (entries: readonly LogEntry[]) => entries.map(({ type }) => type)

/** The plan hash of an assignment. */
function hashOf(message: ToSite): string {
  if (message.type !== 'assignment') throw new Error(`an assignment, not ${message.type}`)
  return planHash(JSON.parse(Buffer.from(message.plan.bytes).toString()))
}

/** The parameters that federated averaging gives after `rounds`, naively and in double precision. */
function naiveParameters(rounds: number, sites: readonly FakeSite[]): number[] {
  const { manifest, objects } = makeStudy()
  let parameters = [...new Float32Array(objects[1]!.slice().buffer)]
  for (let round = 1; round <= rounds; round++) {
    const contributions = sites.map(({ number }) =>
      contributionOf(number, { purpose: 'train', round } as RoundPlan, manifest),
    )
    const total = contributions.reduce((sum, { header }) => sum + header.examples, 0)
    parameters = parameters.map(
      (value, i) =>
        value + contributions.reduce((sum, { header, vector }) => sum + (header.examples / total) * vector[i]!, 0),
    )
  }
  return parameters
}

test.for([
  { mode: 'secure', study: {}, final: [] },
  {
    mode: 'sealed',
    study: sealed,
    final: siteNames.map((site, i) => expect.objectContaining({ site, examples: 10 * (i + 1) })),
  },
])(
  'four sites train to the end in $mode mode: the parameters are those of federated averaging, the model is an ONNX file',
  async ({ study, final }) => {
    const fixture = await coordinatorFixture()
    const sites = await fixture.sites()
    const { run } = await fixture.startRun(study)
    const view = await fixture.runWhere(run, hasEnded)
    expect(view).toMatchObject({ run: 'heart-disease-1', state: 'finished', reason: '', roundsPlanned: 2 })
    expect(view.rounds.map(({ round, survivors }) => [round, survivors.length])).toEqual([
      [0, 4],
      [1, 4],
      [2, 4],
    ])
    expect(view.rounds[2]).toMatchObject({ trainingLoss: 0.5, loss: 0.5, accuracy: 0.5 + 6 / 100, clippedShare: 0.25 })
    const accuracies = sites.map(({ number }) => 0.5 + number / (10 * (number + 1)))
    expect(view.rounds[2]!.meanSiteAccuracy).toBeCloseTo(
      accuracies.reduce((sum, each) => sum + each / 4, 0),
      5,
    )
    expect(view.final).toEqual(final)
    const parameters = new Float32Array(new Uint8Array(await fixture.objects.get(view.parametersSha256!)).buffer)
    const naive = naiveParameters(2, sites)
    parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(naive[i]!, 5)
    })
    const model = decodeModel(await fixture.objects.get(view.modelSha256!))
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['age', 'exang', 'cp'])
    expect(sites.flatMap(({ failures }) => failures)).toEqual([])
    await sites[0]!.until(({ heard }) => heard.some(({ type }) => type === 'run-over'))
  },
)

test('the log of a finished run holds, is anchored in the federation, and keeps no update', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run } = await fixture.startRun()
  const view = await fixture.runWhere(run, hasEnded)
  const entries = await eventsOf(fixture, run)
  expect(verifyChain(entries)).toBe(view.logHead)
  await fixture.stop()
  const federation = await collect(fixture.eventLog.read('federation'))
  expect(federation.at(-1)).toMatchObject({
    type: 'run-ended',
    body: { run, head: view.logHead, entries: entries.length },
  })
  const updates = entries.filter(({ type }) => type === 'update-received')
  expect(updates).toHaveLength(4 * 5)
  for (const { body } of updates) expect(await fixture.objects.staged(`${body.planHash}-${body.site}`)).toBe(0)
})

const undisturbed = async (): Promise<RunView> => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run } = await fixture.startRun(sealed)
  return fixture.runWhere(run, hasEnded)
}

test('killed at some events of a sealed run, the coordinator goes on in that round: same model, no second recruit, no work done twice', async () => {
  const expected = await undisturbed()
  for (const appends of [2, 9, 20, 35, 54]) {
    const fixture = await coordinatorFixture()
    const sites = await fixture.sites()
    const { hash } = await fixture.createStudy(sealed)
    await fixture.studyWhere(hash, ({ decisions }) => decisions.length === sites.length)
    const killed = fixture.killAfter(appends)
    await fixture.admin.startRun(hash).catch(() => undefined)
    await killed
    await fixture.restart()
    for (const site of sites) site.attend()
    const view = await fixture.runWhere('heart-disease-1', hasEnded)
    expect(view, `killed after ${appends} appends`).toMatchObject({
      state: 'finished',
      parametersSha256: expected.parametersSha256,
      modelSha256: expected.modelSha256,
    })
    const selected = (await eventsOf(fixture, view.run)).filter(({ type }) => type === 'cohort-selected')
    expect(selected).toHaveLength(5)
    for (const { worked } of sites) expect(new Set(worked).size).toBe(worked.length)
  }
})

test('a site that goes away for good is dropped once its work is overdue, and joins the next round when it is back', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  const zurich = sites[3]!
  zurich.works = false
  sites[0]!.contribution = (plan, manifest) => {
    // Zurich comes back while round 2 is under way.
    if (plan.round === 2 && plan.purpose === 'train') zurich.attend()
    return contributionOf(0, plan, manifest)
  }
  const { run } = await fixture.startRun({ standardisation: 'none', rounds: 3 })
  await zurich.until(({ heard }) => heard.some(({ type }) => type === 'assignment'))
  zurich.leave()
  zurich.works = true
  await fixture.runWhere(run, ({ current }) => current?.sites.filter(({ state }) => state === 'done').length === 3)
  await fixture.pass(599_999)
  expect((await fixture.admin.showRun(run)).current).toMatchObject({ phase: 'work' })
  await fixture.pass(1)
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds.map(({ cohort, survivors }) => [cohort.length, survivors.length])).toEqual([
    [4, 3],
    [3, 3],
    [4, 4],
  ])
  expect(view.rounds[0]!.dropouts).toEqual([
    {
      site: 'zurich',
      reason: 'deadline: no progress for 600000 ms, not connected since 2026-11-22T10:00:00.000Z',
      purpose: 'train',
      phase: 'work',
    },
  ])
})

test('a site that says it works but makes no progress is dropped at its deadline; progress keeps it', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  sites[3]!.works = false
  const { run } = await fixture.startRun({ standardisation: 'none', rounds: 1 })
  const plan = await sites[3]!.until(({ heard }) => heard.find(({ type }) => type === 'assignment'))
  await fixture.runWhere(run, ({ current }) => current?.sites.filter(({ state }) => state === 'done').length === 3)
  const hash = hashOf(plan)
  await fixture.pass(599_000)
  sites[3]!.say({ type: 'progress', planHash: hash, quarters: 2 })
  await fixture.pass(599_000)
  expect((await fixture.admin.showRun(run)).current).toMatchObject({ phase: 'work' })
  await fixture.pass(1_000)
  const view = await fixture.runWhere(run, ({ rounds }) => rounds.length > 0)
  expect(view.rounds[0]!.dropouts[0]).toMatchObject({ site: 'zurich', reason: expect.stringContaining('deadline') })
})

test.for([
  ['not finite', (good: Float32Array) => good.fill(Number.NaN)],
  ['too long a vector', (good: Float32Array) => new Float32Array([...good, 1])],
  ['above the norm limit', (good: Float32Array) => good.fill(1e4)],
] as const)('a sealed update that is %s costs its site the round and nobody else', async ([, spoil]) => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  sites[1]!.contribution = (plan, manifest) => {
    const good = contributionOf(1, plan, manifest)
    return plan.purpose === 'train' ? { ...good, vector: spoil(good.vector as Float32Array) } : good
  }
  const { run } = await fixture.startRun({ ...sealed, rounds: 1 })
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds[1]).toMatchObject({
    survivors: ['basel', 'hungary', 'zurich'],
    dropouts: [{ site: 'cleveland', reason: expect.stringMatching(/^update-invalid: /), purpose: 'train' }],
  })
})

test.for([
  ['sealed for another site', (_own: Uint8Array, foreign: Uint8Array) => foreign],
  ['that was cut', (own: Uint8Array) => own.subarray(0, -1)],
] as const)('a sealed update %s is refused with its reason, and the others go on', async ([, spoil]) => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  sites[0]!.uploads = false
  const { run } = await fixture.startRun({ ...sealed, standardisation: 'none', rounds: 1 })
  const asked = await sites[0]!.until(({ heard }) => heard.find(({ type }) => type === 'collect-updates'))
  if (asked.type !== 'collect-updates') throw new Error()
  const [own, foreign] = sites.map(({ outbox }) => outbox.get(asked.planHash)!)
  sites[0]!.outbox.set(asked.planHash, spoil(own!, foreign!))
  await sites[0]!.upload(asked.planHash)
  sites[0]!.uploads = true
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('finished')
  expect(view.rounds[0]).toMatchObject({
    survivors: ['cleveland', 'hungary', 'zurich'],
    dropouts: [{ site: 'basel', reason: expect.stringContaining('does not open') }],
  })
})

test('refusals end in a failed run with the reason, and the sites hear of it', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  for (const site of sites.slice(1)) site.works = false
  const { run } = await fixture.startRun({ standardisation: 'none' })
  // A failed round is tried once more.
  for (const tried of [0, 1])
    for (const site of sites.slice(1)) {
      const message = await site.until(({ heard }) => heard.filter(({ type }) => type === 'assignment')[tried])
      site.say({ type: 'refusal', planHash: hashOf(message), code: 'data-not-ready' })
    }
  const view = await fixture.runWhere(run, hasEnded)
  expect(view.state).toBe('failed')
  expect(view.rounds[0]!.dropouts[0]).toMatchObject({ reason: expect.stringMatching(/^refused: data-not-ready: /) })
  const over = await sites[0]!.until(({ heard }) => heard.find(({ type }) => type === 'run-over'))
  expect(over).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('train round 2 failed') })
})

test('a cancelled run ends at once, and another can be started', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites()
  for (const site of sites) site.works = false
  const { run, studyHash } = await fixture.startRun()
  expect(await fixture.admin.cancelRun(run, 'a mistake')).toMatchObject({ state: 'cancelled', reason: 'a mistake' })
  for (const site of sites) site.works = true
  const second = await fixture.admin.startRun(studyHash)
  expect(second.run).toBe('heart-disease-2')
  expect((await fixture.runWhere(second.run, hasEnded)).state).toBe('finished')
  expect((await fixture.admin.listRuns()).map(({ state }) => state)).toEqual(['cancelled', 'finished'])
})

test('two runs at once do not disturb each other', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const first = await fixture.startRun({ name: 'one' })
  const second = await fixture.startRun({ name: 'two' })
  const views = await Promise.all([first, second].map(({ run }) => fixture.runWhere(run, hasEnded)))
  expect(views.map(({ run, state }) => [run, state])).toEqual([
    ['one-1', 'finished'],
    ['two-1', 'finished'],
  ])
  expect(views[0]!.parametersSha256).toBe(views[1]!.parametersSha256)
})

test('a run needs as many approvals as its study asks for, and says who is missing', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites(['basel', 'cleveland', 'hungary'])
  sites[2]!.approves = false
  const { hash } = await fixture.createStudy()
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 2)
  await expect(fixture.admin.startRun(hash)).rejects.toMatchObject({
    code: 'cohort-too-small',
    message: expect.stringContaining('still to approve: hungary'),
  })
  await sites[2]!.decide(hash)
  expect((await fixture.admin.startRun('heart-disease')).state).toBe('running')
})

test('a run waits for a site that its study requires, also at its start, and ends where the site may not come', async () => {
  const fixture = await coordinatorFixture()
  const sites = await fixture.sites(['basel', 'cleveland', 'hungary', 'zurich'])
  const zurich = sites[3]!
  zurich.approves = false
  const requiring: Partial<StudyInput> = {
    ...sealed,
    standardisation: 'none',
    rounds: 2,
    cohort: { min: 3, quorum: 3, require: ['zurich'] },
  }
  const { hash } = await fixture.createStudy(requiring)
  await fixture.studyWhere(hash, ({ decisions }) => decisions.length === 3)
  await expect(fixture.admin.startRun(hash)).rejects.toMatchObject({
    code: 'cohort-too-small',
    message: expect.stringContaining('requires zurich (cohort.require)'),
  })
  await zurich.decide(hash)
  zurich.leave()
  const { run } = await fixture.admin.startRun(hash)
  await fixture.pass(24 * 60 * 60 * 1000)
  const waiting = await fixture.admin.showRun(run)
  expect(waiting.current).toMatchObject({ phase: 'recruit', awaited: { answers: 1, sites: ['zurich'] } })
  await zurich.decide(hash, 'reject')
  const view = await fixture.runWhere(run, hasEnded)
  expect(view).toMatchObject({ state: 'failed', reason: expect.stringContaining('requires zurich: it withdrew') })
})

test('what a watcher sees begins at once and ends with the run', async () => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run } = await fixture.startRun({ rounds: 1 })
  const views = await collect(fixture.admin.watchRun(run, new AbortController().signal))
  expect(views.at(-1)!.state).toBe('finished')
  expect(await collect(fixture.admin.watchRun(run, new AbortController().signal))).toHaveLength(1)
  const stopped = new AbortController()
  stopped.abort()
  expect(await collect(fixture.admin.watchRun(run, stopped.signal))).toEqual([])
  expect(() => fixture.admin.watchRun('none-1', stopped.signal)).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(errorCode(await fixture.admin.showRun('none-1').catch((error) => error))).toBe('not-found')
})

test.for([
  { mode: 'sealed', study: sealed, perRound: 2 + 4 + 4 + 4 + 1, verified: 0 },
  // Keys, directory, shares, sharers, uploads, survivors, a threshold of three that confirm and unmask; two verify a model.
  { mode: 'secure', study: {}, perRound: 2 + 4 + 4 + 1 + 4 + 1 + 4 + 4 + 1 + 3 + 3 + 1, verified: 2 },
])('the events of an undisturbed $mode round are few', async ({ study, perRound, verified }) => {
  const fixture = await coordinatorFixture()
  await fixture.sites()
  const { run } = await fixture.startRun({ ...study, standardisation: 'none', rounds: 1 })
  await fixture.runWhere(run, hasEnded)
  const types = typesOf(await eventsOf(fixture, run))
  expect(types.slice(0, 3)).toEqual(['run-started', 'round-started', 'cohort-selected'])
  expect(types.filter((type) => type === 'work-done')).toHaveLength(8)
  expect(types).toHaveLength(2 * perRound + verified + 2)
  expect(types.at(-1)).toBe('run-finished')
})
