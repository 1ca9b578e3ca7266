/**
 * A coordinator in this process on stores in memory, with a clock and a certificate authority of the test's own. It can
 * be killed at any append, which leaves the stores as they are, and opened again on them.
 */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { initialParameters, parameterLayout } from '@consilium/models/parameters.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { type SignedStudy, type StudyManifest, signStudy } from '@consilium/protos/plan/signed-study.ts'
import { designColumns, type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { pino } from 'pino'
import { type Coordinator, openCoordinator } from '../../coordinator/coordinator.ts'
import type { CoordinatorOptions } from '../../coordinator/parts.ts'
import type { RunView, StudyView } from '../../coordinator/services.ts'
import type { EventLog } from '../../coordinator/store/event-log.ts'
import type { KeyVault } from '../../coordinator/store/key-vault.ts'
import { openMemoryEventLog } from '../../coordinator/store/memory-event-log.ts'
import { openMemoryObjectStore } from '../../coordinator/store/memory-object-store.ts'
import type { ObjectStore } from '../../coordinator/store/object-store.ts'
import { aStudy } from './a-study.ts'
import { collect } from './collect.ts'
import { FakeSite } from './fake-site.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'
import { memoryIdentity } from './memory-identity.ts'

export const siteNames = ['basel', 'cleveland', 'hungary', 'zurich']

export type CoordinatorFixture = Awaited<ReturnType<typeof coordinatorFixture>>

export async function coordinatorFixture() {
  const clock = manualClock(new Date('2026-11-22T10:00:00.000Z'))
  const stores = { objects: openMemoryObjectStore(), vault: plainVault() }
  let eventLog = openMemoryEventLog()
  const identity = memoryIdentity(identityFromSeed(new Uint8Array(32).fill(9)))
  const authority = fakeAuthority()
  let plug = new Plug()
  const open = () =>
    openCoordinator({
      ...stores,
      eventLog: plugged(eventLog, plug),
      objects: pluggedObjects(stores.objects, plug),
      identity,
      authority,
      clock: pluggedClock(clock, plug),
      log: pino({ level: 'silent' }),
      federation: 'hearts',
      siteAddress: () => 'localhost:7443',
      certificateDays: 90,
      onFailure: () => {},
    })
  let coordinator: Coordinator = await open()
  const fixture = {
    ...stores,
    get eventLog() {
      return eventLog
    },
    clock,
    identity,
    get admin() {
      return coordinator.adminService
    },
    get service() {
      return coordinator.federationService
    },
    /** Joined sites that attend, approve and work as they are asked. */
    async sites(names: readonly string[] = siteNames): Promise<FakeSite[]> {
      return Promise.all(names.map((name, i) => FakeSite.join(fixture, name, i)))
    },
    /**
     * From so many appends on (0: now), nothing that this coordinator does has any effect. Each entry of a run counts as one:
     * of what sites said at once and was appended as one, a part could have come alone.
     */
    killAfter(appends: number): Promise<void> {
      return plug.pullAfter(appends)
    },
    /** A new coordinator on the stores as the old one left them. */
    async restart(): Promise<void> {
      plug.pull()
      plug = new Plug()
      coordinator = await open()
    },
    /** The log as it is, for {@link putBack}. */
    backUp: () => copyOf(eventLog),
    /** A new coordinator on an old copy of the log. */
    async putBack(copy: EventLog): Promise<void> {
      plug.pull()
      plug = new Plug()
      eventLog = await copyOf(copy)
      coordinator = await open()
    },
    stop: () => coordinator.stop(),
    /** Lets time pass as it does outside: what a timer sets off is done before the next one fires. */
    async pass(ms: number): Promise<void> {
      for (let left = ms; left > 0; ) {
        const step = Math.min(left, clock.pendingMs()[0] ?? left)
        clock.advance(step)
        left -= step
        for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
      }
    },
    async createStudy(changes: Partial<StudyInput> = {}): Promise<StudyView> {
      const { signed, objects } = makeStudy(changes)
      return coordinator.adminService.createStudy(Buffer.from(JSON.stringify(signed)), iterate(objects))
    },
    /** Resolves with the first view of the study, or of the run, that fits. */
    async studyWhere(study: string, fits: (view: StudyView) => boolean): Promise<StudyView> {
      return first(coordinator.adminService.watchStudy(study, new AbortController().signal), fits)
    },
    async runWhere(run: string, fits: (view: RunView) => boolean): Promise<RunView> {
      return first(coordinator.adminService.watchRun(run, new AbortController().signal), fits)
    },
    /** A study that every site approved, and a run of it. */
    async startRun(changes: Partial<StudyInput> = {}, approvals = siteNames.length): Promise<RunView> {
      const { hash } = await fixture.createStudy(changes)
      await fixture.studyWhere(hash, ({ decisions }) => decisions.length >= approvals)
      return coordinator.adminService.startRun(hash)
    },
  }
  return fixture
}

/** Said here, so that tests may count on them. */
const deadlines = { recruitMs: 30_000, workMs: 600_000, uploadMs: 300_000, keysMs: 60_000, absentMs: 10_000 }

/** With these and four sites one level is 2^-16, so the updates of fake sites add up without rounding. */
const exact = {
  updateNormMax: (2 ** 29 - 1) / 2 ** 16,
  aggregation: { mode: 'secure', weights: 'exact', weightMax: 64 },
} as const
export const sealed = { aggregation: { mode: 'sealed' } } as const

export const hasEnded = ({ state }: RunView): boolean => state !== 'running'

export type MadeStudy = { signed: SignedStudy; objects: Uint8Array[]; manifest: StudyManifest }

/** A signed study with its forward graph and initial parameters. */
export function makeStudy(
  changes: Partial<StudyInput> = {},
  lead = identityFromSeed(new Uint8Array(32).fill(5)),
): MadeStudy {
  const study = studySchema.parse({
    ...aStudy,
    rounds: 2,
    cohort: { min: 3, quorum: 2 },
    deadlines,
    ...exact,
    ...changes,
  })
  if (study.model.from !== 'zoo') throw new Error('a zoo model is needed')
  const model = zooModel(study.model, { features: designColumns(study.features).length, outputs: 1 })
  const layout = parameterLayout(model).map(({ name, dims }) => ({ name, dims: [...dims] }))
  const start = initialParameters(model, layout, 0)
  const objects = [encodeModel(model), new Uint8Array(start.buffer)] as const
  const [graph, parameters] = objects.map((bytes) => ({ sha256: sha256Hex(bytes), bytes: bytes.length }))
  const manifest: StudyManifest = { format: 1, study, graph: graph!, layout, initialParameters: parameters! }
  return { signed: signStudy(manifest, lead), objects: [...objects], manifest }
}

export async function* iterate<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

async function first<View>(views: AsyncIterable<View>, fits: (view: View) => boolean): Promise<View> {
  for await (const view of views) if (fits(view)) return view
  throw new Error('the watch ended before')
}

async function copyOf(log: EventLog): Promise<EventLog> {
  const copy = openMemoryEventLog()
  for (const stream of await log.streams()) {
    const entries = (await collect(log.read(stream))).map(({ type, at, body }) => ({ type, at, body }))
    await copy.append(stream, 0, entries)
  }
  return copy
}

/** Sealing is the local vault's matter, tested there. */
function plainVault(): KeyVault {
  return { seal: async (secret) => Uint8Array.from(secret), open: async (sealed) => Uint8Array.from(sealed) }
}

function fakeAuthority(): CoordinatorOptions['authority'] {
  let serial = 0
  return {
    certificatePem: 'the authority',
    fingerprint: 'a'.repeat(64),
    async issueSiteCertificate(_request, site, { notAfter }) {
      serial += 1
      return { pem: `certificate ${serial.toString(16)} of ${site}`, serial: serial.toString(16), expiresAt: notAfter }
    },
  }
}

/** Cuts a coordinator off from its stores, as kill -9 does. */
class Plug {
  pulled = false
  #appendsLeft = Number.POSITIVE_INFINITY
  readonly #dead = Promise.withResolvers<void>()

  pull(): void {
    this.pulled = true
    this.#dead.resolve()
  }

  pullAfter(appends: number): Promise<void> {
    this.#appendsLeft = appends
    if (appends === 0) this.pull()
    return this.#dead.promise
  }

  check(): void {
    if (this.pulled) throw new Error('this coordinator is dead')
  }

  /** How many of so many that are appended now still are. */
  count(appends: number): number {
    const counted = Math.min(appends, this.#appendsLeft)
    this.#appendsLeft -= counted
    return counted
  }

  pullWhereDue(): void {
    if (this.#appendsLeft === 0) this.pull()
  }
}

function plugged(log: EventLog, plug: Plug): EventLog {
  return {
    ...log,
    async append(stream, expectedLength, entries) {
      plug.check()
      const isOfRun = stream.startsWith('run/')
      const count = plug.count(isOfRun ? entries.length : 1)
      const appended = await log.append(stream, expectedLength, isOfRun ? entries.slice(0, count) : entries)
      plug.pullWhereDue()
      plug.check()
      return appended
    },
  }
}

function pluggedObjects(objects: ObjectStore, plug: Plug): ObjectStore {
  const checked =
    <Of extends readonly unknown[], Result>(work: (...of: Of) => Promise<Result>) =>
    async (...of: Of) => {
      plug.check()
      return work(...of)
    }
  return {
    ...objects,
    put: checked(objects.put),
    stage: checked(objects.stage),
    commitStaged: checked(objects.commitStaged),
    dropStaged: checked(objects.dropStaged),
  }
}

function pluggedClock(clock: ManualClock, plug: Plug): ManualClock {
  return { ...clock, setTimer: (delayMs, fire) => clock.setTimer(delayMs, () => plug.pulled || fire()) }
}
