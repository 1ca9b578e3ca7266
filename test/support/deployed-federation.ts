/**
 * A federation as it is deployed: a coordinator and one agent per site, each a process of its own, over real gRPC with
 * mutual TLS. Every site dials through a relay that counts its bytes, so the coordinator can be killed and come back on
 * another port. Nothing polls: tests wait for what the processes and the coordinator say.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { type AdminClient, connectAdmin } from '@consilium/coordinator/cli/admin-client.ts'
import { makeStudy } from '@consilium/coordinator/cli/make-study.ts'
import type { RunView } from '@consilium/coordinator/services.ts'
import { fingerprint, generateIdentity, type Identity } from '@consilium/protos/identity.ts'
import { formatJoinCode, parseJoinCode } from '@consilium/protos/join-code.ts'
import { type LogEntry, logEntrySchema } from '@consilium/protos/log/entry.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { writeSiteSecret } from '@consilium/site-agent/link/identity-files.ts'
import type { AgentEvent } from '@consilium/site-agent/round/events.ts'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { readFederationFolder } from '../../scripts/simulate/federation-folder.ts'
import { simulatedSecret } from '../../scripts/simulate/simulated-secret.ts'
import { anyStudy } from './any-study.ts'
import { type Relay, startRelay } from './relay.ts'
import { scratch } from './scratch.ts'

const root = dirname(dirname(import.meta.dirname))
const binaries = { coordinator: 'coordinator/bin/consilium.mjs', agent: 'site-agent/bin/site-agent.mjs' }
const startedSchema = z.object({ siteAddress: z.string(), adminAddress: z.string() })

const joinedSchema = z.object({ fingerprint: z.string() })
const egressSchema = z.object({ totals: z.array(z.object({ kind: z.string(), bytes: z.int() })) })

export class DeployedFederation implements AsyncDisposable {
  readonly work: string
  readonly home: string
  readonly studyPath: string
  readonly lead: Identity
  readonly sites = new Map<string, DeployedSite>()
  readonly #others: DeployedSite[] = []
  #coordinator: DeployedProcess | undefined
  #admin: AdminClient | undefined
  #sitePort = 0

  private constructor(work: string, studyPath: string) {
    this.work = work
    this.home = join(work, 'coordinator')
    this.studyPath = studyPath
    this.lead = generateIdentity()
  }

  /** Coordinator up, every site of the federation folder joined, its lead and the others trusted, its agent running. */
  static async start(folder: string): Promise<DeployedFederation> {
    const { studyPath, sites } = await readFederationFolder(folder)
    const federation = new DeployedFederation(await mkdtemp(join(scratch, 'consilium-test-')), studyPath)
    await federation.startCoordinator()
    const joined = await Promise.all(sites.map(({ name, folder }) => federation.#addSite(name, folder)))
    await Promise.all([...federation.sites.values()].map((site) => federation.#startSite(site, new Map(joined))))
    return federation
  }

  get admin(): AdminClient {
    if (!this.#admin) throw new Error('the coordinator is down')
    return this.#admin
  }

  async startCoordinator(): Promise<void> {
    await mkdir(this.home, { recursive: true, mode: 0o700 })
    const config = { sites: { host: '127.0.0.1', port: 0 }, admin: { port: 0 } }
    await writeFile(join(this.home, 'coordinator.yaml'), stringify(config))
    const coordinator = new DeployedProcess([binaries.coordinator, 'serve', '--home', this.home, '--json'])
    this.#coordinator = coordinator
    const { siteAddress } = startedSchema.parse(await coordinator.firstOutput())
    this.#sitePort = Number(siteAddress.slice(siteAddress.lastIndexOf(':') + 1))
    this.#admin = await connectAdmin(this.home)
  }

  /** A copy of the home folder, as a backup has it. The coordinator is down meanwhile. */
  async backUp(): Promise<string> {
    const copy = await mkdtemp(join(this.work, 'backup-'))
    await this.killCoordinator()
    await cp(this.home, copy, { recursive: true })
    await this.startCoordinator()
    return copy
  }

  /** The coordinator is killed, and started again on a copy of its home. */
  async putBack(copy: string): Promise<void> {
    await this.killCoordinator()
    await rm(this.home, { recursive: true })
    await cp(copy, this.home, { recursive: true })
    await this.startCoordinator()
  }

  /** A further site, which has joined and runs, and decides on nothing. */
  async join(name: string, folder: string): Promise<DeployedSite> {
    const { site } = await this.#joined(name, folder)
    this.#others.push(site)
    return site
  }

  async killCoordinator(): Promise<void> {
    this.#admin?.close()
    this.#admin = undefined
    await this.#coordinator?.kill()
  }

  /** Creates the study of the federation folder, changed so, and waits until every site has decided on it. */
  async createStudy(changes: Partial<StudyInput> = {}): Promise<string> {
    const path = join(this.work, 'study.yaml')
    await writeFile(path, stringify({ ...parse(await readFile(this.studyPath, 'utf8')), ...changes }))
    const { signed, objects } = await makeStudy(path, this.lead, { planned: this.sites.size })
    const { hash } = await this.admin.createStudy(Buffer.from(JSON.stringify(signed)), objects)
    for await (const { decisions } of this.admin.watchStudy(hash)) if (decisions.length === this.sites.size) break
    return hash
  }

  /** The run as it stands once it has ended; `onChange` sees every change before. Goes on over a killed coordinator. */
  async watch(run: string, onChange: (view: RunView) => void = () => undefined): Promise<RunView> {
    for await (const view of this.admin.watchRun(run)) {
      onChange(view)
      if (view.state !== 'running') return view
    }
    throw new Error(`the run ${run} was not watched to its end`)
  }

  /** Starts a run of the study and watches it to its end. */
  async run(study: string, onChange?: (view: RunView) => void): Promise<RunView> {
    const { run } = await this.admin.startRun(study)
    return this.watch(run, onChange)
  }

  async object(sha256: string): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.admin.fetchObject(sha256, 0)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  /** The run's log entries, in order. */
  async log(run: string): Promise<LogEntry[]> {
    const entries: LogEntry[] = []
    for await (const entry of this.admin.readLog()) {
      const parsed = logEntrySchema.parse(JSON.parse(Buffer.from(entry).toString('utf8')))
      if (parsed.stream.includes(run)) entries.push(parsed)
    }
    return entries
  }

  /** Resolves with the site's name and its fingerprint, as it prints that itself. */
  async #addSite(name: string, folder: string): Promise<readonly [string, string]> {
    const { site, fingerprint: printed } = await this.#joined(name, folder)
    this.sites.set(name, site)
    return [name, printed]
  }

  async #joined(name: string, folder: string) {
    const relay = await startRelay(() => this.#sitePort)
    const { joinCode } = await this.admin.addSite(name, 10)
    const code = formatJoinCode({ ...parseJoinCode(joinCode), address: `127.0.0.1:${relay.port}` })
    const state = join(this.work, 'sites', name)
    await mkdir(state, { recursive: true, mode: 0o700 })
    writeSiteSecret(state, simulatedSecret(name))
    const site = new DeployedSite(name, folder, state, relay)
    return { site, fingerprint: await site.join(code) }
  }

  /** Every site trusts the lead, and the others by the fingerprints they told one another. */
  async #startSite(site: DeployedSite, fingerprints: ReadonlyMap<string, string>): Promise<void> {
    const policy = {
      approve: { ...anyStudy.approve, leads: [fingerprint(this.lead.publicKey)], sealed: true },
      rows: anyStudy.rows,
      roster: { sites: Object.fromEntries(fingerprints) },
    }
    await writeFile(join(site.state, 'policy.yaml'), stringify(policy))
    site.start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#admin?.close()
    const sites = [...this.sites.values(), ...this.#others]
    await Promise.all(sites.map((site) => site.stop()))
    await this.#coordinator?.stop()
    await Promise.all(sites.map(({ relay }) => relay.close()))
    await rm(this.work, { recursive: true, force: true, maxRetries: 3 })
  }
}

export class DeployedSite {
  readonly name: string
  readonly folder: string
  readonly state: string
  readonly relay: Relay
  /** Everything its agents have said, over restarts. */
  readonly events: AgentEvent[] = []
  readonly #listeners = new Set<(event: AgentEvent) => void>()
  #process: DeployedProcess | undefined

  constructor(name: string, folder: string, state: string, relay: Relay) {
    this.name = name
    this.folder = folder
    this.state = state
    this.relay = relay
  }

  /** Resolves with its fingerprint. */
  async join(code: string): Promise<string> {
    const join = new DeployedProcess([binaries.agent, 'join', '-', '--json', ...this.#place()], { input: `${code}\n` })
    const joined = joinedSchema.parse(await join.firstOutput())
    await join.ended()
    return joined.fingerprint
  }

  start(): void {
    this.#process = new DeployedProcess([binaries.agent, 'run', '--json', ...this.#place()], {
      onOutput: (line) => {
        const event = JSON.parse(line) as AgentEvent
        this.events.push(event)
        for (const listener of this.#listeners) listener(event)
      },
    })
  }

  /** Resolves with the first event from now on that satisfies `condition`. */
  next(condition: (event: AgentEvent) => boolean): Promise<AgentEvent> {
    const { promise, resolve } = Promise.withResolvers<AgentEvent>()
    const listener = (event: AgentEvent) => {
      if (!condition(event)) return
      this.#listeners.delete(listener)
      resolve(event)
    }
    this.#listeners.add(listener)
    return promise
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
  }

  /** Resolves once its agent has ended by itself. */
  async exited(): Promise<void> {
    await this.#process?.exited()
  }

  /** One command of the site's people, as JSON. */
  async command(...words: readonly string[]): Promise<unknown> {
    const command = new DeployedProcess([binaries.agent, ...words, '--json', ...this.#place()])
    const said = await command.firstOutput()
    await command.ended()
    return said
  }

  /** Bytes in its egress ledger, by kind of message; the ledger's chain is verified. */
  async egress(): Promise<Map<string, number>> {
    const ledger = new DeployedProcess([binaries.agent, 'egress', '--verify', '--json', ...this.#place()])
    const { totals } = egressSchema.parse(await ledger.firstOutput())
    await ledger.ended()
    return new Map(totals.map(({ kind, bytes }) => [kind, bytes]))
  }

  #place(): string[] {
    return ['--site', this.folder, '--state', this.state]
  }
}

type ProcessOptions = { readonly input?: string; readonly onOutput?: (line: string) => void }

/** A process of the product, its standard error kept for the message of a failure. */
class DeployedProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<number | null>
  readonly #firstOutput = Promise.withResolvers<string>()
  #errors = ''

  constructor(args: readonly string[], { input = '', onOutput = () => undefined }: ProcessOptions = {}) {
    const [binary = '', ...rest] = args
    const child = spawn(process.execPath, [join(root, binary), ...rest], { stdio: 'pipe' })
    this.#child = child
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000)
    })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      this.#firstOutput.resolve(line)
      onOutput(line)
    })
    const killWithTests = () => child.kill('SIGKILL')
    process.once('exit', killWithTests)
    this.#exited = once(child, 'close').then(() => {
      process.off('exit', killWithTests)
      return child.exitCode
    })
    this.#firstOutput.promise.catch(() => undefined)
    void this.#exited.then(() => this.#firstOutput.reject(new Error(`${args.join(' ')} ended: ${this.#errors}`)))
  }

  async firstOutput(): Promise<unknown> {
    return JSON.parse(await this.#firstOutput.promise)
  }

  async ended(): Promise<void> {
    const code = await this.#exited
    if (code !== 0) throw new Error(`a process ended with ${code}: ${this.#errors}`)
  }

  async exited(): Promise<void> {
    await this.#exited
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#exited
  }
}
