/**
 * One federation on this machine: a coordinator and an agent per site as separate processes, joined, approved, run to the
 * end of the study, reported, and taken down again. It waits for what the processes say, never for time to pass.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdminClient, connectAdmin } from '@consilium/coordinator/cli/admin-client.ts'
import { fetchObject } from '@consilium/coordinator/cli/export-model.ts'
import { createLeadKey } from '@consilium/coordinator/cli/lead-key-file.ts'
import { withLog } from '@consilium/coordinator/cli/log-source.ts'
import { makeStudy } from '@consilium/coordinator/cli/make-study.ts'
import { verifyLog } from '@consilium/coordinator/cli/verify-log.ts'
import type { RunView } from '@consilium/coordinator/services.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { fingerprint, type Identity } from '@consilium/protos/identity.ts'
import { openJoined } from '@consilium/site-agent/link/identity-files.ts'
import workspace from '../../package.json' with { type: 'json' }
import { auditRun } from './audit.ts'
import type { FederationFolder } from './federation-folder.ts'
import { type Outage, stageOutage } from './outage.ts'
import { ProcessGroup } from './processes.ts'
import type { Progress } from './progress.ts'
import { buildReport, type Report } from './report.ts'
import { reportHtml } from './report-html.ts'
import { joinSite, runAgent, type SiteStart, startCoordinator, startSite } from './start.ts'

export type SimulationOptions = {
  readonly federation: FederationFolder
  /** Receives model.onnx, report.json, report.html, audit.jsonl, roster.yaml and the processes' logs. */
  readonly out: string
  /** Leaves the coordinator's home and the sites' state where they are. */
  readonly keep: boolean
  readonly progress: Progress
  readonly signal: AbortSignal
  /** Kills one site's agent in mid-round: the round goes on without it. */
  readonly outage?: Outage | undefined
  /** Told of every change of the run, with the processes' ids by name. */
  readonly onChange?: (run: RunView, processIds: ReadonlyMap<string, number>) => void
}

/** Resolves with the report; rejects, after everything was taken down, where a process or the run fails. */
export async function simulate(options: SimulationOptions): Promise<Report> {
  const { out, keep, progress, signal } = options
  const logs = join(out, 'logs')
  await rm(logs, { recursive: true, force: true })
  await mkdir(logs, { recursive: true })
  const work = await mkdtemp(join(tmpdir(), 'consilium-'))
  const processes = new ProcessGroup(logs)
  const interrupted = Promise.withResolvers<never>()
  const interrupt = () => interrupted.reject(new FederationError('cancelled', 'the simulation was interrupted'))
  signal.addEventListener('abort', interrupt, { once: true })
  if (signal.aborted) interrupt()
  try {
    return await Promise.race([runFederation(options, work, processes), processes.failure, interrupted.promise])
  } finally {
    signal.removeEventListener('abort', interrupt)
    progress.end()
    await processes.stop()
    if (keep) progress.line(`Coordinator home, lead key and site states are kept in ${work}`)
    else await rm(work, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function runFederation(options: SimulationOptions, work: string, processes: ProcessGroup): Promise<Report> {
  const { federation, progress } = options
  const home = join(work, 'coordinator')
  const stateOf = (site: string) => join(work, 'sites', site)
  const lead = await createLeadKey(join(work, 'lead-key.json'))
  const coordinator = await startCoordinator(processes, home)
  progress.line(`The coordinator is up on ${coordinator.siteAddress}; ${federation.sites.length} sites are joining.`)
  const admin = await connectAdmin(home)
  try {
    const sites = federation.sites.map((site) => ({ ...site, processes, state: stateOf(site.name) }))
    const [study, ...joined] = await Promise.all([
      createStudy(admin, federation, lead),
      ...sites.map(async (site) => [site.name, await joinSite(site, admin)] as const),
    ])
    // The sites tell one another their fingerprints; the coordinator has no part in it.
    const policy = { lead: fingerprint(lead.publicKey), fingerprints: new Map(joined) }
    await Promise.all(sites.map((site) => startSite(site, policy)))
    const decisions = followDecisions(admin, study.hash, federation, progress)
    await decisions.made
    progress.line(`Every site has decided on the study ${study.name} (${study.hash.slice(0, 12)}); the run starts.`)
    const run = await untilEnded(admin, study.hash, options, processes, sites)
    decisions.end()
    const pinnedBy = stateOf(federation.sites[0]!.name)
    return await writeReport({ admin, home, pinnedBy, sites: policy.fingerprints, run, lead, options })
  } finally {
    admin.close()
  }
}

/** A simulation waits no week for a hospital: where the study file does not say, this stands in the study that is signed. */
const makeUpMs = 60_000

async function createStudy(admin: AdminClient, { studyPath, sites }: FederationFolder, lead: Identity) {
  const { signed, objects } = await makeStudy(studyPath, lead, { planned: sites.length, makeUpMs })
  return admin.createStudy(Buffer.from(JSON.stringify(signed)), objects)
}

/** Tells what sites decide for as long as the federation runs; `made` resolves once each has decided and enough approve. */
function followDecisions(
  admin: AdminClient,
  hash: string,
  { sites, study: { cohort } }: FederationFolder,
  progress: Progress,
): { readonly made: Promise<void>; readonly end: () => void } {
  const { promise: made, resolve, reject } = Promise.withResolvers<void>()
  const ending = new AbortController()
  const told = new Map<string, string>()
  const follow = async () => {
    for await (const { decisions } of admin.watchStudy(hash, ending.signal)) {
      for (const { site, decision, reason } of decisions) {
        if (decision !== 'approve' && told.get(site) !== decision)
          progress.line(`${site} does not take part: ${reason}`)
        told.set(site, decision)
      }
      const approving = [...told].flatMap(([site, decision]) => (decision === 'approve' ? [site] : [])).sort()
      if (told.size < sites.length) continue
      if (approving.length >= cohort.min) resolve()
      else
        reject(new FederationError('cohort-too-small', `${approving.length} sites approve, ${cohort.min} are needed`))
    }
    reject(new FederationError('link-down', 'the coordinator stopped telling of the decisions on the study'))
  }
  follow().catch(reject)
  return { made, end: () => ending.abort() }
}

async function untilEnded(
  admin: AdminClient,
  study: string,
  { progress, onChange, outage }: SimulationOptions,
  processes: ProcessGroup,
  sites: readonly SiteStart[],
): Promise<RunView> {
  const { run } = await admin.startRun(study)
  const seeOutage = stageOutage(outage, {
    kill: (site) => processes.kill(site),
    start: async (name) => runAgent(sites.find((site) => site.name === name)!),
    say: progress.line,
  })
  let last: RunView | undefined
  for await (const view of admin.watchRun(run)) {
    last = view
    progress.run(view)
    await seeOutage(view)
    onChange?.(view, processes.ids)
  }
  if (last?.state === 'finished') return last
  throw new FederationError(
    'quorum-lost',
    `the run ${last?.state ?? 'is unknown'}: ${last?.reason || 'no reason given'}`,
  )
}

type Ending = {
  readonly admin: AdminClient
  readonly home: string
  /** State folder of a site: it holds the coordinator's key that the site pinned. */
  readonly pinnedBy: string
  /** Fingerprints by name, as the sites told one another. */
  readonly sites: ReadonlyMap<string, string>
  readonly run: RunView
  readonly lead: Identity
  readonly options: SimulationOptions
}

async function writeReport({ admin, home, pinnedBy, sites, run, lead, options }: Ending): Promise<Report> {
  const { federation, out } = options
  const modelPath = join(out, 'model.onnx')
  await fetchObject(admin, run.modelSha256!, modelPath)
  const { decisions } = await admin.showStudy(run.studyHash)
  const coordinator = fingerprint(openJoined(pinnedBy).coordinatorPublicKey)
  const logHead = await verifiedHead(home, run)
  const report = buildReport({
    run,
    refusals: decisions.flatMap(({ site, decision, reason }) => (decision === 'approve' ? [] : [{ site, reason }])),
    study: federation.study,
    data: federation.data,
    model: { path: modelPath, sha256: run.modelSha256! },
    logHead,
    audit: await auditRun(admin, run.run, { coordinator, sites: Object.fromEntries(sites) }, out),
    fingerprints: { lead: fingerprint(lead.publicKey), coordinator, sites: Object.fromEntries(sites) },
    version: workspace.version,
  })
  await writeFile(join(out, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`)
  await writeFile(join(out, 'report.html'), reportHtml(report))
  return report
}

/** Verifies every stream of the event log, and that the run's ends where the coordinator says it does. */
async function verifiedHead(home: string, { run, logHead }: RunView): Promise<string> {
  const { ok, errors, streams } = await withLog({ home }, ({ lines }) => verifyLog(lines))
  if (!ok) throw new FederationError('log-broken', errors.join('\n'))
  if (!streams.some(({ head }) => head === logHead))
    throw new FederationError('log-broken', `no stream of the event log ends in ${logHead}, the head of run ${run}`)
  return logHead
}
