/**
 * A coordinator's admin port as the command line sees it: the real server over mutual TLS in front of a service that
 * lives in memory and does what the test scripts.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import { main } from '@consilium/coordinator/cli/main.ts'
import { startAdminServer } from '@consilium/coordinator/grpc/admin-server.ts'
import type {
  AdminService,
  KeyView,
  RecoveryView,
  RunOutlook,
  RunView,
  SiteView,
  StudyView,
} from '@consilium/coordinator/services.ts'
import { systemClock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import { signCheckpoint } from '@consilium/protos/log/checkpoint.ts'
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import { openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import { checkPartnerChange, parsePartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { leadFingerprint, readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import pino from 'pino'

const at = '2026-11-05T12:00:00.000Z'

export type AdminFixture = {
  readonly home: string
  readonly service: FakeAdmin
  /** Runs `consilium --home <home> ...` in this process. */
  consilium(...args: readonly string[]): Promise<Outcome>
  stop(): Promise<void>
}

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** What the test may fill or look into. */
export type FakeAdmin = {
  readonly sites: Map<string, SiteView>
  key: KeyView
  recovery: RecoveryView
  /** Sites to readmit, of each recovery that was asked for. */
  readonly recovered: (readonly string[])[]
  readonly studies: StudyView[]
  /** What the next study is refused with, before any of its objects is read. */
  studyRefusal: FederationError | undefined
  /** Sizes of the objects of the last study created. */
  readonly objectBytes: number[]
  /** Every state of the run, in order; the last one is how it stands. */
  readonly runs: Map<string, readonly RunView[]>
  /** What would become of a run, by the study's name; `without` is noted. */
  readonly outlooks: Map<string, RunOutlook>
  outlookWithout: readonly string[]
  readonly rollbacks: { readonly run: string; readonly round: number; readonly reason: string }[]
  readonly objects: Map<string, Uint8Array>
  log: readonly LogEntry[]
  /** Signs checkpoints. */
  identity: Identity
  /** Offsets that were asked for, and after how many bytes to cut the next fetch. */
  readonly fetchOffsets: number[]
  cutFetchAfter: number | undefined
}

export async function startAdminFixture(): Promise<AdminFixture> {
  const home = await mkdtemp(join(tmpdir(), 'consilium-cli-'))
  const log = pino({ level: 'silent' })
  const authority = await openCertificateAuthority({ home, advertisedHost: 'localhost', clock: systemClock, log })
  const service: FakeAdmin = {
    sites: new Map(),
    key: { fingerprint: `SHA256:${'A'.repeat(43)}`, rotations: [] },
    recovery: wholeLog,
    recovered: [],
    studies: [],
    studyRefusal: undefined,
    objectBytes: [],
    runs: new Map(),
    outlooks: new Map(),
    outlookWithout: [],
    rollbacks: [],
    objects: new Map(),
    log: [],
    identity: generateIdentity(),
    fetchOffsets: [],
    cutFetchAfter: undefined,
  }
  const server = await startAdminServer({ service: fakeService(service), authority, port: 0, clock: systemClock, log })
  await writeFile(join(home, 'admin.json'), JSON.stringify({ address: `127.0.0.1:${server.port}`, pid: process.pid }))
  return {
    home,
    service,
    consilium: (...args) => consilium('--home', home, ...args),
    async stop() {
      await server.stop()
      authority.close()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** Runs one command line in this process, standard output not a terminal unless `isLive`. */
export async function consilium(...args: readonly string[]): Promise<Outcome> {
  return consiliumOn({}, ...args)
}

export async function consiliumOn(
  terminal: {
    readonly isLive?: boolean
    readonly interrupted?: AbortSignal
    readonly onWrite?: () => void
    readonly ask?: (question: string) => Promise<string>
  },
  ...args: readonly string[]
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' }
  const code = await main(args, {
    environment: {},
    interrupted: terminal.interrupted ?? new AbortController().signal,
    ...(terminal.ask && { ask: terminal.ask }),
    terminal: {
      isLive: terminal.isLive ?? false,
      hasColor: false,
      columns: 100,
      rows: 50,
      write: (text) => {
        written.stdout += text
        terminal.onWrite?.()
      },
      writeError: (text) => {
        written.stderr += text
      },
    },
  })
  return { code, ...written }
}

function fakeService(fake: FakeAdmin): AdminService {
  return { ...fakeSites(fake), ...fakeKeys(fake), ...fakeRecovery(fake), ...fakeStudies(fake), ...fakeRuns(fake) }
}

/** Of a coordinator that nothing is missing from. */
export const wholeLog: RecoveryView = {
  ...{ federation: 'hearts', epoch: 1, losses: [], recoveries: [], openRuns: [], lostRuns: [] },
  ...{ revoked: [], unknownCertificates: [], invited: [] },
}

function fakeRecovery(fake: FakeAdmin) {
  return {
    showRecovery: async () => fake.recovery,
    async recover(readmit) {
      if (fake.recovery.losses.length === 0) throw new FederationError('not-restored', 'nothing is missing')
      fake.recovered.push(readmit)
      const { epoch, openRuns, lostRuns } = fake.recovery
      fake.recovery = { ...wholeLog, epoch: epoch + 1, lostRuns, recoveries: [{ at, epoch: epoch + 1, size: 5 }] }
      return { ...fake.recovery, openRuns }
    },
  } satisfies Partial<AdminService>
}

function fakeKeys(fake: FakeAdmin) {
  return {
    showKey: async () => fake.key,
    async rotateKey() {
      if ([...fake.runs.values()].some((states) => states.at(-1)?.state === 'running'))
        throw new FederationError('permission-denied', 'the key cannot be rotated while a run goes on')
      const from = fake.key.fingerprint
      const to = `${from.slice(0, -1)}${fake.key.rotations.length + 1}`
      fake.key = { fingerprint: to, rotations: [...fake.key.rotations, { at, from, to }] }
      return fake.key
    },
  } satisfies Partial<AdminService>
}

function fakeSites({ sites }: FakeAdmin) {
  return {
    async addSite(name, validMinutes) {
      if (sites.has(name)) throw new FederationError('already-exists', `site ${name} was added before`)
      const none = { fingerprint: '', certificateExpiresAt: '', joinedAt: '', revokedReason: '', standsOut: [] }
      sites.set(name, { name, state: 'invited', attending: false, ...none })
      const expiresAt = new Date(Date.parse(at) + validMinutes * 60_000).toISOString()
      return { joinCode: `consilium-join-1.${Buffer.from(name).toString('base64url')}`, expiresAt }
    },
    listSites: async () => [...sites.values()],
    async revokeSite(name, reason) {
      const site = sites.get(name)
      if (!site) throw new FederationError('not-found', `there is no site ${name}`)
      const revoked = { ...site, state: 'revoked' as const, attending: false, revokedReason: reason }
      sites.set(name, revoked)
      return revoked
    },
  } satisfies Partial<AdminService>
}

function fakeStudies(fake: FakeAdmin) {
  const find = (reference: string) => {
    const study = fake.studies.find(({ name, hash }) => name === reference || hash.startsWith(reference))
    if (!study) throw new FederationError('not-found', `there is no study ${reference}`)
    return study
  }
  return {
    async createStudy(bytes, objects) {
      if (fake.studyRefusal) throw fake.studyRefusal
      const signed = readSignedStudy(bytes)
      fake.objectBytes.length = 0
      for await (const object of objects) {
        fake.objects.set(sha256Hex(object), object)
        fake.objectBytes.push(object.length)
      }
      const { study } = signed.manifest
      const view: StudyView = {
        hash: signed.hash,
        name: study.name,
        title: study.title,
        leadFingerprint: leadFingerprint(signed),
        createdAt: at,
        decisions: [],
        partners: [],
        partnerChanges: [],
        signedStudy: bytes,
      }
      fake.studies.push(view)
      return view
    },
    async changePartners({ bytes, signature }) {
      const known = find(parsePartnerChange(bytes).study)
      checkPartnerChange({ bytes, signature }, Buffer.from(readSignedStudy(known.signedStudy).lead, 'base64'))
      const change = { change: bytes, at, agreed: [], awaited: ['basel'], unsigned: ['zurich'] }
      const changed = { ...known, partnerChanges: [...known.partnerChanges, change] }
      fake.studies[fake.studies.indexOf(known)] = changed
      return changed
    },
    listStudies: async () => fake.studies,
    showStudy: async (reference) => find(reference),
    async *watchStudy(reference) {
      yield find(reference)
    },
  } satisfies Partial<AdminService>
}

function fakeRuns(fake: FakeAdmin) {
  const states = (run: string) => {
    const found = fake.runs.get(run)
    if (!found) throw new FederationError('not-found', `there is no run ${run}`)
    return found
  }
  const now = (run: string) => states(run).at(-1) as RunView
  return {
    async startRun(study) {
      const run = [...fake.runs.values()].find(([first]) => first?.studyName === study)?.[0]
      if (!run) throw new FederationError('study-unapproved', `study ${study} is approved by 2 sites, it needs 3`)
      return run
    },
    async planRun(study, without = []) {
      const outlook = fake.outlooks.get(study)
      if (!outlook) throw new FederationError('not-found', `there is no study ${study}`)
      fake.outlookWithout = without
      return outlook
    },
    async cancelRun(run, reason) {
      const { current: _, ...rest } = now(run)
      const cancelled: RunView = { ...rest, state: 'cancelled', reason }
      fake.runs.set(run, [...states(run), cancelled])
      return cancelled
    },
    async finishRun(run, reason) {
      const view = now(run)
      if (view.current?.awaited === undefined)
        throw new FederationError('stale-round', `run ${run} cannot be finished: it waits for nobody`)
      const { current: _, ...rest } = view
      const rounds = view.rounds.map((round, i) =>
        i === view.rounds.length - 1 ? { ...round, withheld: `evaluation withheld: ${reason}` } : round,
      )
      return { ...rest, rounds }
    },
    async exportModel(run) {
      const { modelSha256, state } = now(run)
      if (!modelSha256) throw new FederationError('not-found', `run ${run} is ${state}: it has no model`)
      return modelSha256
    },
    async rollBackRun(run, round, reason) {
      const view = now(run)
      if (!view.rounds.some((made) => made.round === round))
        throw new FederationError('not-found', `round ${round} of run ${run} made no model`)
      fake.rollbacks.push({ run, round, reason })
      return view
    },
    listRuns: async () => [...fake.runs.keys()].map(now),
    showRun: async (run) => now(run),
    async *watchRun(run, signal) {
      for (const view of states(run)) yield view
      // As the coordinator does: the stream of a run that goes on stays open until the caller leaves.
      if (now(run).state === 'running' && !signal.aborted)
        await new Promise<void>((left) => signal.addEventListener('abort', () => left(), { once: true }))
    },
    async fetchObject(sha256, offset) {
      const object = fake.objects.get(sha256)
      if (!object) throw new FederationError('not-found', `there is no object ${sha256}`)
      fake.fetchOffsets.push(offset)
      return cutAfter(object.subarray(offset), fake)
    },
    async signedHead(stream) {
      const tree = openMerkleTree()
      for (const entry of fake.log) if (entry.stream === stream) tree.append(entryLeaf(entry))
      const root = Buffer.from(tree.root()).toString('hex')
      return signCheckpoint(fake.identity, stream, { size: tree.size, root })
    },
    async *readLog(stream) {
      for (const entry of fake.log) if (stream === undefined || entry.stream === stream) yield entry
    },
  } satisfies Partial<AdminService>
}

async function* cutAfter(bytes: Uint8Array, fake: FakeAdmin): AsyncGenerator<Uint8Array> {
  const until = fake.cutFetchAfter ?? bytes.length
  fake.cutFetchAfter = undefined
  for (let sent = 0; sent < until; sent += 1000) yield bytes.subarray(sent, Math.min(sent + 1000, until))
  if (until < bytes.length) throw new FederationError('link-down', 'the connection was cut')
}
