/**
 * A federation over real gRPC with mutual TLS in one process: a real coordinator on stores in memory, real agents with
 * made-up trainers (or hostile sites in their place), and between the coordinator and the wire a layer that lies as the
 * test wants. What the coordinator ever had is recorded, for `secrecy.ts` to try its luck with. The coordinator's clock
 * moves only by `pass`; nothing polls.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateAuthority, openCertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import { startFederationServer } from '@consilium/coordinator/grpc/federation-server.ts'
import type { FromSite, RunView, ToSite } from '@consilium/coordinator/services.ts'
import { openMemoryEventLog } from '@consilium/coordinator/store/memory-event-log.ts'
import { openMemoryObjectStore } from '@consilium/coordinator/store/memory-object-store.ts'
import { systemClock } from '@consilium/protos/clock.ts'
import { fingerprint, type Identity, identityFromSeed } from '@consilium/protos/identity.ts'
import { parseJoinCode } from '@consilium/protos/join-code.ts'
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan, type SignedRoundPlan, signRoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { type StudyManifest, signStudy } from '@consilium/protos/plan/signed-study.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import type { JoinedSite } from '@consilium/site-agent/link/identity-files.ts'
import { joinFederation } from '@consilium/site-agent/link/join.ts'
import { type RunningAgent, startAgent } from '@consilium/site-agent/main.ts'
import type { AgentEvent } from '@consilium/site-agent/round/events.ts'
import pino from 'pino'
import { type Coordinator, openCoordinator } from '../../../coordinator/coordinator.ts'
import { anyStudy } from '../any-study.ts'
import { collect } from '../collect.ts'
import { iterate, type MadeStudy, makeStudy } from '../coordinator-fixture.ts'
import { madeUpTrainer } from '../made-up-trainer.ts'
import { manualClock } from '../manual-clock.ts'
import { memoryIdentity } from '../memory-identity.ts'
import { scratch } from '../scratch.ts'
import { memoryLedger } from '../wire-fixture.ts'
import { type Lies, lying, openAliases, type Streaming } from './lying.ts'
import { emptyRecord, type Heard, keepingObjects, planIn, tellingLog } from './recorded.ts'
import { type HostileSite, hostileSite } from './site.ts'

export type HostileFederation = Awaited<ReturnType<typeof hostileFederation>>

/** An honest one. */
export type Agent = { readonly running: RunningAgent; readonly events: AgentEvent[] }

export const siteNames = ['basel', 'cleveland', 'hungary', 'zurich']

const lead: Identity = identityFromSeed(new Uint8Array(32).fill(5))
const silent = pino({ level: 'silent' })

/** Small, and nothing but training until the end: what an attack is after. */
const study: Partial<StudyInput> = {
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [8] },
  standardisation: 'none',
  rounds: 1,
  evaluation: { bins: 8, everyRounds: 100 },
  cohort: { min: 3, quorum: 3 },
  updateNormMax: 16,
  aggregation: { mode: 'secure', weights: 'exact', weightMax: 64 },
}

export async function hostileFederation(lies: Lies = {}) {
  const names = lies.names ?? siteNames
  const home = mkdtempSync(join(scratch, 'consilium-hostile-'))
  const identity = identityFromSeed(new Uint8Array(32).fill(9))
  const authority = await openCertificateAuthority({
    home,
    advertisedHost: '127.0.0.1',
    clock: systemClock,
    log: silent,
  })
  const recorded = emptyRecord()
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const one of [...waiting]) one()
  }
  const eventLog = tellingLog(openMemoryEventLog(), wake)
  const objects = keepingObjects(openMemoryObjectStore(), recorded)
  const clock = manualClock()
  let port = 0
  const coordinator: Coordinator = await openCoordinator({
    eventLog,
    objects,
    vault: { seal: async (secret) => Uint8Array.from(secret), open: async (sealed) => Uint8Array.from(sealed) },
    identity: memoryIdentity(identity),
    authority,
    clock,
    log: silent,
    federation: 'hearts',
    siteAddress: () => `127.0.0.1:${port}`,
    certificateDays: 90,
    onFailure: () => {},
  })
  const streams = new Map<SiteName, Streaming>()
  const aliases = openAliases()
  const federation = {
    coordinator,
    identity,
    authority,
    objects,
    recorded,
    agents: new Map<SiteName, Agent>(),
    hostile: new Map<SiteName, HostileSite>(),
    /** Every site as it joined, its keys included. */
    joined: new Map<SiteName, JoinedSite>(),
    /** Studies by their hash. */
    manifests: new Map<Sha256, StudyManifest>(),
    /** Plans as the coordinator made them, and forged ones, by hash. */
    plans: new Map<Sha256, RoundPlan>(),
    admin: coordinator.adminService,
    get port() {
      return port
    },
    /** A study that every site approved, run to its end. */
    async run(changes: Partial<StudyInput> = {}): Promise<RunView> {
      return federation.ended(await federation.start(changes))
    },
    async start(changes: Partial<StudyInput> = {}): Promise<RunId> {
      return federation.startRun(await federation.create(changes))
    },
    startRun: async (of: Sha256): Promise<RunId> => (await coordinator.adminService.startRun(of)).run,
    /** What a lead whom all the sites trust asks of them; whether they approve it is theirs to say. */
    offer: (changes: Partial<StudyInput> = {}): Promise<Sha256> =>
      federation.offerMade(makeStudy({ ...study, ...changes }, lead)),
    /** The same of a graph of the lead's own; signed here. */
    offerOwn: ({ manifest, objects }: Omit<MadeStudy, 'signed'>): Promise<Sha256> =>
      federation.offerMade({ manifest, objects, signed: signStudy(manifest, lead) }),
    async offerMade({ signed, objects, manifest }: MadeStudy): Promise<Sha256> {
      const bytes = Buffer.from(JSON.stringify(signed))
      const { hash } = await coordinator.adminService.createStudy(bytes, iterate(objects))
      federation.manifests.set(hash, manifest)
      return hash
    },
    /** Resolves once every site has approved it. */
    async create(changes: Partial<StudyInput> = {}): Promise<Sha256> {
      const hash = await federation.offer(changes)
      for await (const { decisions } of coordinator.adminService.watchStudy(hash, new AbortController().signal))
        if (decisions.length >= names.length) break
      return hash
    },
    /** Resolves once so many sites have approved it, with their names. */
    async approved(study: Sha256, count: number): Promise<readonly SiteName[]> {
      for await (const { decisions } of coordinator.adminService.watchStudy(study, new AbortController().signal)) {
        const sites = decisions.filter(({ decision }) => decision === 'approve').map(({ site }) => site)
        if (sites.length >= count) return sites.toSorted()
      }
      throw new Error('the watch ended before')
    },
    async ended(run: RunId): Promise<RunView> {
      for await (const view of coordinator.adminService.watchRun(run, new AbortController().signal))
        if (view.state !== 'running') return view
      throw new Error('the watch ended before the run')
    },
    /** A further honest site, which has pinned all the others; they know nothing of it. */
    async join(name: SiteName): Promise<JoinedSite> {
      const joined = await joinSite(coordinator, home, name)
      federation.joined.set(name, joined)
      const pinned = [...federation.joined.keys()]
      const honest = { number: pinned.length - 1, pinned, all: federation.joined, wake, lies }
      federation.agents.set(name, await startHonest(joined, honest))
      return joined
    },
    /** The agent of an honest site ends, and another one starts on what `meanwhile` made of its state folder. */
    async restartAgent(name: SiteName, meanwhile: (state: string) => Promise<void>): Promise<Agent> {
      await federation.agents.get(name)?.running.stop()
      const joined = federation.joined.get(name)!
      await meanwhile(joined.state)
      const pinned = lies.pinned ?? [...federation.joined.keys()]
      const honest = { number: names.indexOf(name), pinned, all: federation.joined, wake, lies }
      const agent = await startHonest(joined, honest)
      federation.agents.set(name, agent)
      return agent
    },
    /** The agent of an honest site ends, and the coordinator has seen it go. */
    async leave(name: SiteName): Promise<void> {
      await federation.agents.get(name)!.running.stop()
      while (await attends(coordinator, name)) await new Promise(setImmediate)
    },
    /** It is back, and has told whom it pinned. */
    async comeBack(name: SiteName): Promise<void> {
      const said = recorded.heard.length
      await federation.restartAgent(name, async () => {})
      await federation.until(() =>
        recorded.heard.slice(said).some(({ site, message }) => site === name && message.type === 'pinned'),
      )
    },
    /** What the coordinator's timers wait for comes. */
    pass: (ms: number) => clock.advance(ms),
    /** Resolves with what `find` gives as soon as it gives something; looks again whenever anything happened. */
    async until<Found>(find: () => Found | undefined | false): Promise<Found> {
      for (;;) {
        const found = find()
        if (found) return found
        await new Promise<void>((resolve) => {
          const once = () => {
            waiting.delete(once)
            resolve()
          }
          waiting.add(once)
        })
      }
    },
    /** Resolves with the first message of this kind that the site sent about the plan. */
    heard<Type extends FromSite['type']>(
      site: SiteName,
      type: Type,
      plan?: Sha256,
    ): Promise<FromSite & { type: Type }> {
      const fits = ({ site: from, message }: Heard): boolean =>
        from === site && message.type === type && (!plan || ('planHash' in message && message.planHash === plan))
      return federation.until(() => recorded.heard.find(fits)?.message as (FromSite & { type: Type }) | undefined)
    },
    /** Says something of its own accord, on the site's stream. */
    say(site: SiteName, message: ToSite): void {
      recorded.told.push({ site, message })
      streams.get(site)?.stream.send(message)
    },
    /** Hands the coordinator what a site said, or might have said. */
    hear: (site: SiteName, message: FromSite): void => streams.get(site)?.listener.receive(message),
    /** The plan as the coordinator would sign it were it otherwise. Later messages of the round fit the forged plan. */
    forge(site: SiteName, signed: SignedRoundPlan, change: (plan: RoundPlan) => RoundPlan): ToSite {
      const forged = change(planIn(signed))
      aliases.replace(site, planHash(planIn(signed)), planHash(forged))
      federation.plans.set(planHash(forged), forged)
      return { type: 'assignment', plan: signRoundPlan(forged, identity) }
    },
    /** As `forge`, for a site that has the true plan too. */
    forgeBeside(site: SiteName, signed: SignedRoundPlan, change: (plan: RoundPlan) => RoundPlan): ToSite {
      const forged = change(planIn(signed))
      aliases.beside(site, planHash(planIn(signed)), planHash(forged))
      federation.plans.set(planHash(forged), forged)
      return { type: 'assignment', plan: signRoundPlan(forged, identity) }
    },
    /** The true plan that a plan of this site stands for: itself, where it was not forged. */
    trueHash: aliases.trueHash,
    /** The plan that a message is about. */
    planOf(message: ToSite | FromSite): RoundPlan | undefined {
      if (message.type === 'assignment') return planIn(message.plan)
      return 'planHash' in message && message.planHash ? federation.plans.get(message.planHash) : undefined
    },
    entries: (stream: string): Promise<LogEntry[]> => collect(eventLog.read(stream)),
    async allEntries(): Promise<LogEntry[]> {
      return (await Promise.all((await eventLog.streams()).map((stream) => federation.entries(stream)))).flat()
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...federation.agents.values()].map(({ running }) => running.stop()))
      await Promise.all([...federation.hostile.values()].map((site) => site.stop()))
      await server.stop()
      await coordinator.stop()
      authority.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
  const service = lying(coordinator.federationService, lies, { federationOf: () => federation, streams, aliases, wake })
  const server = await startFederationServer({
    service,
    authority,
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    log: silent,
  })
  port = server.port
  for (const site of await Promise.all(names.map((name) => joinSite(coordinator, home, name))))
    federation.joined.set(site.site, site)
  for (const [number, joined] of [...federation.joined.values()].entries()) {
    const { site } = joined
    const siteLies = lies.sites?.[site]
    if (siteLies) federation.hostile.set(site, hostileSite(joined, number, siteLies, { authority, port }))
    else {
      const honest = { number, pinned: lies.pinned ?? names, all: federation.joined, wake, lies }
      federation.agents.set(site, await startHonest(joined, honest))
    }
  }
  return federation
}

async function attends({ adminService }: Coordinator, site: SiteName): Promise<boolean> {
  return (await adminService.listSites()).find(({ name }) => name === site)!.attending
}

async function joinSite({ adminService }: Coordinator, home: string, name: SiteName): Promise<JoinedSite> {
  const { joinCode } = await adminService.addSite(name, 60)
  const state = join(mkdtempSync(join(home, `${name}-`)), 'state')
  return joinFederation({
    code: parseJoinCode(joinCode),
    state,
    ledger: memoryLedger(),
    clock: systemClock,
    environment: {},
  })
}

async function startHonest(
  { site: name, state }: JoinedSite,
  { number, pinned, all, wake, lies }: Honest,
): Promise<Agent> {
  const site = join(state, '..')
  const data = lies.data?.(name)
  for (const [file, text] of Object.entries(data ?? {})) writeFileSync(join(site, file), text)
  const sites = Object.fromEntries(pinned.map((name) => [name, fingerprint(all.get(name)!.identity.publicKey)]))
  const { approve = anyStudy.approve, rows = anyStudy.rows, secure, recovery } = lies.policy?.(name) ?? {}
  const policy = {
    approve: { ...approve, leads: [fingerprint(lead.publicKey)] },
    rows,
    ...(secure && { secure }),
    ...(recovery && { recovery }),
    roster: { sites },
  }
  writeFileSync(join(site, 'policy.yaml'), JSON.stringify(policy))
  const events: AgentEvent[] = []
  const onEvent = (event: AgentEvent) => {
    events.push(event)
    wake()
  }
  const startTrainer = lies.trainer?.(name, number) ?? (data ? undefined : madeUpTrainer(number).start)
  return { running: await startAgent({ site, state, ...(startTrainer && { startTrainer }), onEvent }), events }
}

type Honest = {
  readonly number: number
  readonly pinned: readonly SiteName[]
  /** Every site that joined. */
  readonly all: ReadonlyMap<SiteName, JoinedSite>
  readonly wake: () => void
  readonly lies: Pick<Lies, 'data' | 'policy' | 'trainer'>
}

export type Door = { readonly authority: CertificateAuthority; readonly port: number }
