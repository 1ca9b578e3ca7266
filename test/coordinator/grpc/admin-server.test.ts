/** The operator's port: the operator alone, on the loopback interface, and the views as the command line reads them. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CertificateAuthority, openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import { connectAdmin } from '@consilium/coordinator/cli/admin-client.ts'
import { startAdminServer } from '@consilium/coordinator/grpc/admin-server.ts'
import type { Listener } from '@consilium/coordinator/grpc/listener.ts'
import type {
  AdminService,
  KeyView,
  RecoveryView,
  RunView,
  SiteView,
  StudyView,
} from '@consilium/coordinator/services.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import type { AdminClient } from '@consilium/protos/gen/consilium/v1/Admin.ts'
import type { Checkpoint__Output } from '@consilium/protos/gen/consilium/v1/Checkpoint.ts'
import { canonicalJson, sha256Hex } from '@consilium/protos/hash.ts'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { signCheckpoint, verifyCheckpoint } from '@consilium/protos/log/checkpoint.ts'
import { chain, noHead } from '@consilium/protos/log/entry.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { collect } from '../../support/collect.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import {
  certificateFor,
  type OwnCertificate,
  outcome,
  rawAdminClient,
  streamOutcome,
} from '../../support/raw-client.ts'
import { silent } from '../../support/wire-fixture.ts'
import { anOutlook } from '../cli/runs.ts'

let home: string
let clock: ManualClock
let authority: CertificateAuthority
let server: Listener
let calls: unknown[][]
let clients: AdminClient[]
let operator: AdminClient
let views: AsyncIterable<RunView>
let shownRun: RunView
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'consilium-admin-'))
  clock = manualClock()
  authority = await openCertificateAuthority({ home, advertisedHost: 'localhost', clock, log: silent })
  calls = []
  shownRun = runView
  clients = []
  server = await startAdminServer({ service: recordingService(), authority, port: 0, clock, log: silent })
  operator = client(operatorCertificate())
})
afterEach(async () => {
  for (const one of clients) one.close()
  await server.stop()
  authority.close()
  rmSync(home, { recursive: true, force: true })
})

test("a site's certificate is refused, and no certificate too", async () => {
  const own = await certificateFor(authority, 'site-a', join(home, 'site'), new Date(Date.now() + 3_600_000))
  expect(await outcome((done) => client(own).listSites({}, done))).toMatchObject({
    status: 'PERMISSION_DENIED',
    code: 'permission-denied',
  })
  expect(await outcome((done) => client().listSites({}, done))).toMatchObject({ status: 'UNAUTHENTICATED' })
  expect(await streamOutcome(client(own).watchRun({ run: 'run-1' }))).toMatchObject({ status: 'PERMISSION_DENIED' })
  expect(calls).toEqual([])
})

test('an operator certificate that has expired is refused on the open connection', async () => {
  expect(await outcome((done) => operator.listSites({}, done))).toMatchObject({ status: 'OK' })
  clock.advance(366 * 24 * 60 * 60_000)
  expect(await outcome((done) => operator.listSites({}, done))).toMatchObject({ code: 'certificate-expired' })
})

test('sites are added, listed and revoked', async () => {
  expect(await outcome((done) => operator.addSite({ name: 'site-a' }, done))).toMatchObject({
    reply: { joinCode: 'code of site-a', expiresAt: '2026-01-01T00:00:00.000Z' },
  })
  expect(await outcome((done) => operator.listSites({}, done))).toMatchObject({ reply: { sites: [siteView] } })
  await outcome((done) => operator.revokeSite({ name: 'site-a', reason: 'left' }, done))
  expect(calls).toEqual([['addSite', 'site-a', 1440], ['listSites'], ['revokeSite', 'site-a', 'left']])
})

test("the coordinator's key is shown and rotated", async () => {
  expect(await outcome((done) => operator.showKey({}, done))).toMatchObject({ reply: keyView })
  expect(await outcome((done) => operator.rotateKey({}, done))).toMatchObject({ reply: keyView })
  expect(calls).toEqual([['showKey'], ['rotateKey']])
})

test('a run is rolled back to the model of a round, also to the first', async () => {
  for (const round of [2, 0])
    expect(await outcome((done) => operator.rollBackRun({ run: 'run-1', round, reason: 'worse' }, done))).toMatchObject(
      {
        reply: { run: 'run-1' },
      },
    )
  expect(calls).toEqual([
    ['rollBackRun', 'run-1', 2, 'worse'],
    ['rollBackRun', 'run-1', 0, 'worse'],
  ])
})

test('a run is finished for a reason, and its model named by hash', async () => {
  const finished = await outcome((done) => operator.finishRun({ run: 'run-1', reason: 'closed' }, done))
  expect(finished).toMatchObject({ reply: { run: 'run-1' } })
  const exported = await outcome((done) => operator.exportModel({ run: 'run-1' }, done))
  expect(exported).toMatchObject({ reply: { sha256: Buffer.alloc(32, 0x5a) } })
  expect(calls).toEqual([
    ['finishRun', 'run-1', 'closed'],
    ['exportModel', 'run-1'],
  ])
})

test('the head of a stream comes with the signature that can be held against it', async () => {
  const answer = await outcome<Checkpoint__Output>((done) => operator.signedHead({ stream: 'federation' }, done))
  const { size, root, signature } = answer.reply!
  const signedHead = {
    stream: 'federation',
    size,
    root: root.toString('hex'),
    signature: signature.toString('base64'),
  }
  expect(signedHead).toEqual(checkpoint)
  expect(verifyCheckpoint(coordinator.publicKey, signedHead)).toBe(true)
  expect(calls).toEqual([['signedHead', 'federation']])
})

test('a study is created from its parts, each object whole and with its hash', async () => {
  const graph = randomBytes(2_500_000)
  const parameters = randomBytes(10)
  const create = createStudy(graph, parameters)
  expect(await create.done).toMatchObject({ status: 'OK', reply: { hash: studyView.hash, name: 'heart' } })
  expect(calls).toEqual([['createStudy', '{"study":1}', [sha256Hex(graph), sha256Hex(parameters)]]])
})

test.for([
  { what: 'an object before the study', parts: [{ object: { sha256: Buffer.alloc(32), size: 1 } }] },
  { what: 'a chunk without a start', parts: [{ signedStudy: Buffer.from('{}') }, { chunk: Buffer.alloc(5) }] },
  {
    what: 'more than announced',
    parts: [
      { signedStudy: Buffer.from('{}') },
      { object: { sha256: Buffer.alloc(32), size: 4 } },
      { chunk: Buffer.alloc(5) },
    ],
  },
  {
    what: 'an object cut short',
    parts: [{ signedStudy: Buffer.from('{}') }, { object: { sha256: Buffer.alloc(32), size: 4 } }],
  },
])('a study with $what is refused', async ({ parts }) => {
  const answer = await outcome((done) => {
    const call = operator.createStudy(done)
    for (const part of parts) call.write(part)
    call.end()
  })
  expect(answer).toMatchObject({ status: 'INVALID_ARGUMENT', code: 'message-invalid' })
})

test('a study whose object arrives damaged is refused', async () => {
  const create = createStudy(Buffer.from('graph'), Buffer.from('parameters'), Buffer.from('graqh'))
  expect(await create.done).toMatchObject({ status: 'DATA_LOSS', code: 'hash-mismatch' })
})

test('a shown study carries what was signed; a listed one does not', async () => {
  const shown = await outcome<{ signedStudy: Buffer }>((done) => operator.showStudy({ study: 'heart' }, done))
  expect(JSON.parse(shown.reply!.signedStudy.toString())).toEqual(signed)
  const listed = await outcome<{ studies: { signedStudy: Buffer; decisions: unknown }[] }>((done) =>
    operator.listStudies({}, done),
  )
  expect(listed.reply!.studies[0]).toMatchObject({ signedStudy: Buffer.alloc(0), decisions: studyView.decisions })
})

test('a run is watched until it ends, every field in its place', async () => {
  views = (async function* () {
    yield runView
    yield { ...runView, state: 'finished' as const, endedAt: '2026-01-01T00:00:10.000Z', modelSha256: 'cd'.repeat(32) }
  })()
  const seen: unknown[] = []
  const stream = operator.watchRun({ run: 'run-1' })
  stream.on('data', (view) => seen.push(view))
  expect(await streamOutcome(stream)).toMatchObject({ status: 'OK' })
  expect(seen).toHaveLength(2)
  expect(seen[0]).toMatchObject({
    run: 'run-1',
    state: 'running',
    current: {
      round: 2,
      purpose: 'evaluate',
      phase: 'work',
      sites: [
        { site: 'a', done: 3, total: 4 },
        { site: 'b', awaySince: '2026-01-01T00:00:00.000Z' },
      ],
    },
    rounds: [{ round: 1, cohort: ['a', 'b'], survivors: ['a'], loss: 0.5, parametersSha256: Buffer.alloc(32, 0xab) }],
    modelSha256: Buffer.alloc(0),
    final: [{ site: 'a', auroc: 0.9, examples: 10 }],
  })
  expect((seen[0] as { rounds: object[] }).rounds[0]).not.toHaveProperty('auroc')
  expect(seen[1]).toMatchObject({ state: 'finished', modelSha256: Buffer.alloc(32, 0xcd) })
})

test('a run of any length is told in messages that fit; watching sends again only what may have changed', async () => {
  const reason = 'a reason of some length '.repeat(20)
  const dropouts = Array.from({ length: 100 }, (_, i) => ({
    site: `site-${i}`,
    reason,
    purpose: 'train' as const,
    phase: 'work',
  }))
  const rounds = Array.from({ length: 150 }, (_, i) => ({ ...runView.rounds[0]!, round: i + 1, dropouts }))
  shownRun = { ...runView, rounds }
  views = (async function* () {
    yield { ...runView, rounds }
    yield { ...runView, rounds: [...rounds.slice(0, -1), { ...rounds.at(-1)!, loss: 0.25 }] }
    yield { ...runView, rounds: [...rounds, { ...rounds[0]!, round: 151 }] }
  })()
  const watched = operator.watchRun({ run: 'run-1' })
  const messages: { moreRounds: boolean; rounds: { round: number }[] }[] = []
  watched.on('data', (message) => messages.push(message))
  expect(await streamOutcome(watched)).toMatchObject({ status: 'OK' })
  const last = messages.findIndex(({ moreRounds }) => !moreRounds)
  expect(last).toBeGreaterThan(1)
  expect(messages.slice(0, last + 1).flatMap((message) => message.rounds.map(({ round }) => round))).toEqual(
    rounds.map(({ round }) => round),
  )
  expect(messages.slice(last + 1).map((message) => message.rounds.map(({ round }) => round))).toEqual([
    [150],
    [150, 151],
  ])

  writeFileSync(join(home, 'admin.json'), JSON.stringify({ address: `127.0.0.1:${server.port}` }))
  const admin = await connectAdmin(home)
  views = (async function* () {
    yield { ...runView, rounds: rounds.slice(0, 2) }
    yield { ...runView, rounds: [rounds[0]!, { ...rounds[1]!, loss: 0.25 }, rounds[2]!] }
  })()
  expect(await admin.showRun('run-1')).toEqual({ ...runView, rounds })
  expect(await collect(admin.watchRun('run-1'))).toEqual([
    { ...runView, rounds: rounds.slice(0, 2) },
    { ...runView, rounds: [rounds[0]!, { ...rounds[1]!, loss: 0.25 }, rounds[2]!] },
  ])
  expect((await admin.listRuns()).map((run) => run.rounds.map(({ round }) => round))).toEqual([[148, 149, 150]])
  expect((await admin.cancelRun('run-1', 'enough')).rounds).toHaveLength(3)
  admin.close()
})

test('the watched run is told when nobody watches any more', async () => {
  let isLeft = () => {}
  const left = new Promise<void>((resolve) => {
    isLeft = resolve
  })
  views = (async function* () {
    yield runView
    await new Promise<void>((resolve) => watchSignal!.addEventListener('abort', () => resolve()))
    isLeft()
  })()
  const stream = operator.watchRun({ run: 'run-1' })
  stream.on('error', () => {})
  stream.once('data', () => stream.cancel())
  await left
})

test('objects and the log are streamed', async () => {
  const object = operator.fetchObject({ sha256: Buffer.alloc(32), offset: 100 })
  const hash = createHash('sha256')
  object.on('data', ({ data }) => hash.update(data))
  expect(await streamOutcome(object)).toMatchObject({ status: 'OK' })
  expect(hash.digest('hex')).toBe(sha256Hex(Buffer.alloc(3_000_000 - 100, 9)))

  const log = operator.readLog({ stream: '' })
  const entries: string[] = []
  log.on('data', ({ entry }) => entries.push(entry.toString()))
  expect(await streamOutcome(log)).toMatchObject({ status: 'OK' })
  expect(entries).toEqual(logEntries.map((entry) => canonicalJson(entry).toString()))
  expect(calls.at(-1)).toEqual(['readLog', undefined])
})

test.for([
  { what: 'a bad site name', call: () => outcome((done) => operator.addSite({ name: '../x' }, done)) },
  {
    what: 'a join code for years',
    call: () => outcome((done) => operator.addSite({ name: 'a', validMinutes: 10_000_000 }, done)),
  },
  { what: 'no study', call: () => outcome((done) => operator.startRun({ study: '' }, done)) },
  { what: 'a plan of no study', call: () => outcome((done) => operator.planRun({ study: '' }, done)) },
  {
    what: 'a plan without a bad site name',
    call: () => outcome((done) => operator.planRun({ study: 'heart', without: ['../x'] }, done)),
  },
  { what: 'a bad run', call: () => streamOutcome(operator.showRun({ run: 'Run 1' })) },
  {
    what: 'a long reason',
    call: () => outcome((done) => operator.cancelRun({ run: 'run-1', reason: 'x'.repeat(501) }, done)),
  },
  {
    what: 'a finish for a long reason',
    call: () => outcome((done) => operator.finishRun({ run: 'run-1', reason: 'x'.repeat(501) }, done)),
  },
  { what: 'a model of a bad run', call: () => outcome((done) => operator.exportModel({ run: '../x' }, done)) },
  {
    what: 'a roll-back to a round beyond any run',
    call: () => outcome((done) => operator.rollBackRun({ run: 'run-1', round: 100_001, reason: '' }, done)),
  },
  {
    what: 'a roll-back for a long reason',
    call: () => outcome((done) => operator.rollBackRun({ run: 'run-1', round: 1, reason: 'x'.repeat(501) }, done)),
  },
  {
    what: 'a stream with a long name',
    call: () => outcome((done) => operator.signedHead({ stream: 'x'.repeat(101) }, done)),
  },
])('$what is refused', async ({ call }) => {
  expect(await call()).toMatchObject({ status: 'INVALID_ARGUMENT', code: 'message-invalid' })
  expect(calls).toEqual([])
})

function client(own?: OwnCertificate): AdminClient {
  const made = rawAdminClient(authority, server.port, own)
  clients.push(made)
  return made
}

function operatorCertificate(): OwnCertificate {
  const read = (name: string) => readFileSync(join(home, 'operator', name), 'utf8')
  return { keyPem: read('key.pem'), certificatePem: read('certificate.pem') }
}

function createStudy(graph: Buffer, parameters: Buffer, sentGraph = graph) {
  const done = outcome((finish) => {
    const call = operator.createStudy(finish)
    call.write({ signedStudy: Buffer.from('{"study":1}') })
    for (const [named, sent] of [
      [graph, sentGraph],
      [parameters, parameters],
    ] as const) {
      call.write({ object: { sha256: createHash('sha256').update(named).digest(), size: sent.length } })
      for (let at = 0; at < sent.length; at += 1_000_000) call.write({ chunk: sent.subarray(at, at + 1_000_000) })
    }
    call.end()
  })
  return { done }
}

const siteView: SiteView = {
  name: 'site-a',
  state: 'enrolled',
  attending: true,
  fingerprint: 'SHA256:abc',
  certificateExpiresAt: '2026-03-01T00:00:00.000Z',
  joinedAt: '2026-01-01T00:00:00.000Z',
  revokedReason: '',
  standsOut: [{ studyHash: 'ab'.repeat(32), studyName: 'heart', purpose: 'evaluate', code: 'site-fault' }],
}

const coordinator = identityFromSeed(new Uint8Array(32).fill(6))
const checkpoint = signCheckpoint(coordinator, 'federation', { size: 12, root: 'ab'.repeat(32) })
const keyView: KeyView = {
  fingerprint: 'SHA256:new',
  rotations: [{ at: '2026-01-01T00:00:00.000Z', from: 'SHA256:old', to: 'SHA256:new' }],
}

const signed = { manifest: { any: 'thing' }, lead: 'lead', signature: 'signature' }

const studyView: StudyView = {
  hash: 'ab'.repeat(32),
  name: 'heart',
  title: 'Heart disease',
  leadFingerprint: 'SHA256:lead',
  createdAt: '2026-01-01T00:00:00.000Z',
  decisions: [{ site: 'site-a', decision: 'approve', reason: '', at: '2026-01-02T00:00:00.000Z' }],
  partners: [{ purpose: 'evaluate', sites: ['a', 'b', 'c'] }],
  partnerChanges: [
    { change: Buffer.from('{}'), at: '2026-01-03T00:00:00.000Z', agreed: ['a'], awaited: ['b'], unsigned: ['c'] },
  ],
  signedStudy: Buffer.from(JSON.stringify(signed)),
}

const runView: RunView = {
  run: 'run-1',
  studyHash: 'ab'.repeat(32),
  studyName: 'heart',
  state: 'running',
  reason: '',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '',
  aggregation: 'secure',
  roundsPlanned: 3,
  rounds: [
    {
      round: 1,
      cohort: ['a', 'b'],
      survivors: ['a'],
      dropouts: [{ site: 'b', reason: 'silent', purpose: 'train', phase: 'share-keys' }],
      loss: 0.5,
      uploadBytes: 1000,
      seconds: 0.25,
      clippedShare: 0,
      parametersSha256: 'ab'.repeat(32),
      meanSiteAccuracy: 0.75,
      secure: { sites: 4, colluders: 1, threshold: 3, survivorsMin: 3, confirmed: ['a'] },
    },
  ],
  current: {
    round: 2,
    purpose: 'evaluate',
    phase: 'work',
    sites: [
      { site: 'a', state: 'working', done: 3, total: 4, uploadedBytes: 0 },
      { site: 'b', state: 'working', done: 0, total: 0, uploadedBytes: 0, awaySince: '2026-01-01T00:00:00.000Z' },
    ],
    awaited: { answers: 2, sites: ['a', 'b'], because: 'partners', until: '2026-01-08T00:00:00.000Z' },
    leftOut: [{ site: 'c', reason: 'a has not approved its identity' }],
  },
  missing: [{ site: 'b', rounds: 12, first: [1, 2] }],
  logHead: 'ef'.repeat(32),
  final: [{ site: 'a', auroc: 0.9, examples: 10 }],
}

const logEntries = chain('federation', 0, noHead, [
  { type: 'site-added', at: '2026-01-01T00:00:00.000Z', body: { site: 'site-a' } },
  { type: 'site-joined', at: '2026-01-01T00:00:01.000Z', body: { site: 'site-a' } },
])

const recoveryView: RecoveryView = {
  ...{ federation: 'hearts', epoch: 2 },
  losses: [{ at: '2026-01-01T00:00:00.000Z', by: 'site-a', what: 'entries', text: 'federation has 5 entries here' }],
  recoveries: [{ at: '2025-01-01T00:00:00.000Z', epoch: 2, size: 40 }],
  ...{ openRuns: ['heart-1'], lostRuns: ['heart-2'], revoked: ['site-b'] },
  ...{ unknownCertificates: ['site-c'], invited: ['site-d'] },
}

let watchSignal: AbortSignal | undefined

/** Notes every call and answers with the views above. */
function recordingService(): AdminService {
  const note =
    <Result>(name: string, result: Result) =>
    async (...args: unknown[]): Promise<Result> => {
      calls.push([name, ...args])
      return result
    }
  return {
    addSite: async (name, validMinutes) => {
      calls.push(['addSite', name, validMinutes])
      return { joinCode: `code of ${name}`, expiresAt: '2026-01-01T00:00:00.000Z' }
    },
    listSites: note('listSites', [siteView]),
    revokeSite: note('revokeSite', siteView),
    showKey: note('showKey', keyView),
    rotateKey: note('rotateKey', keyView),
    showRecovery: note('showRecovery', recoveryView),
    recover: note('recover', recoveryView),
    async createStudy(signedStudy, objects) {
      const hashes: string[] = []
      for await (const object of objects) hashes.push(sha256Hex(object))
      calls.push(['createStudy', Buffer.from(signedStudy).toString(), hashes])
      return studyView
    },
    listStudies: note('listStudies', [studyView]),
    changePartners: note('changePartners', studyView),
    showStudy: note('showStudy', studyView),
    async *watchStudy() {
      yield studyView
    },
    startRun: note('startRun', runView),
    planRun: note('planRun', anOutlook),
    cancelRun: async () => shownRun,
    finishRun: note('finishRun', runView),
    exportModel: note('exportModel', '5a'.repeat(32)),
    rollBackRun: note('rollBackRun', runView),
    listRuns: async () => [shownRun],
    showRun: async () => shownRun,
    watchRun(_run, signal) {
      watchSignal = signal
      return views
    },
    async fetchObject(_sha256, offset) {
      if (offset > 3_000_000) throw new FederationError('offset-mismatch', 'beyond the end')
      return (async function* () {
        yield Buffer.alloc(3_000_000 - offset, 9)
      })()
    },
    signedHead: note('signedHead', checkpoint),
    async *readLog(stream) {
      calls.push(['readLog', stream])
      yield* logEntries
    },
  }
}
