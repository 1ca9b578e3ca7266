/**
 * Puts the coordinator together on its stores: the federation's stream, the runs that go on, the sites that attend, and
 * the two services that the listeners call.
 */
import { availableParallelism } from 'node:os'
import type { SignedLedger } from '@consilium/protos/control-messages.ts'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { federationStream } from '@consilium/protos/log/signed-head.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { openMaskThreads } from '@consilium/protos/secagg/mask-threads.ts'
import { adminService } from './admin-service.ts'
import { attendanceOf } from './attending/attendance.ts'
import { type Outgoing, openAttending } from './attending/attending.ts'
import { openShownHeads } from './attending/heads.ts'
import { lostRunsOver, membership, partnerChanges, runMessages, studyOffers } from './attending/messages.ts'
import { openChanges } from './changes.ts'
import { openColumns } from './driving/columns.ts'
import { openRunProcess, type RunProcess } from './driving/run-process.ts'
import { signedPlans } from './driving/signed-plans.ts'
import { type EventStream, openEventStream } from './event-stream.ts'
import { type FederationEvent, federationEntry, readFederationEvent } from './federation/events.ts'
import { emptyFederation, evolveFederation, type Federation, type RunRecord } from './federation/federation.ts'
import { restoredError } from './federation/losses.ts'
import { partnersBy } from './federation/partner-changes.ts'
import { federationService } from './federation-service.ts'
import { openSerial } from './intake/serial.ts'
import { receive } from './intake/site-messages.ts'
import { openUploads } from './intake/uploads.ts'
import type { CoordinatorOptions, Parts } from './parts.ts'
import { takeKnownHeads } from './restored.ts'
import { partnersSoFar } from './run/partners-so-far.ts'
import type { Partners, Run } from './run/state.ts'
import type { AdminService, FederationService } from './services.ts'
import { openSessionLedgers } from './session-ledgers.ts'
import { openStudies } from './study/studies.ts'
import { openReplays } from './summing/replays.ts'
import { openStoredMessages, type StoredMessages } from './summing/stored-messages.ts'
import { openStoredSums } from './summing/stored-sums.ts'

export type Coordinator = {
  readonly federationService: FederationService
  readonly adminService: AdminService
  readonly name: string
  /** Ends every site's stream and waits for what is under way; runs go on at the next start. */
  stop(): Promise<void>
}

export async function openCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { clock, log, objects } = options
  const stream = await openFederationStream(options)
  const studies = openStudies(objects)
  for (const record of stream.state.studies.values()) await studies.load(record)
  const runs = new Map<RunId, RunProcess>()
  const columns = openColumns(runs)
  const changes = openChanges()

  const findRun = (planHash: Sha256) =>
    [...runs.values()].find(
      ({ run, pastRound }) =>
        (run.current && run.current.phase !== 'recruit' && run.current.planHash === planHash) || pastRound(planHash),
    )
  const attending = openAttending({
    clock,
    onChange(site) {
      deliver(site)
      for (const process of runs.values()) process.look()
    },
    onMessage(from, message) {
      if (message.type === 'hello') {
        sessionLedgers.attends(from.caller.site)
        heads.attends(from.caller.site)
      }
      receive(parts, from, message)
    },
    onRefused: (site) => log.warn({ site }, 'a second agent with the identity of this site dials and was not admitted'),
  })
  const sessionLedgers = openSessionLedgers((site) => {
    const key = stream.state.sites.get(site)?.identityPublicKey
    return key === undefined ? undefined : Buffer.from(key, 'base64')
  })
  const heads = openShownHeads(stream, options.identity, clock.now)
  const threads = openMaskThreads(Math.max(1, availableParallelism() - 1))
  const messages = openStoredMessages(objects)
  const sums = openStoredSums(objects)
  const replays = openReplays(objects)
  const uploads = openUploads({ objects, clock, findRun })
  const sources = { planOf: signedPlans(options.identity), messages, sums, replays }

  function deliver(site: SiteName): void {
    const allRuns = [...runs.values()].map(({ run }) => run)
    attending.deliver(site, [
      ...membership(stream.state),
      ...heads.due(site, allRuns),
      ...ledgerSeen(sessionLedgers.due(site)),
      ...studyOffers(stream.state, studies, site),
      ...partnerChanges(stream.state, site),
      ...lostRunsOver(stream.state),
      ...(stream.state.losses.length > 0 ? [] : runMessages(allRuns, site, sources)),
    ])
  }

  function partnersOf(study: Sha256): Partners {
    const record = stream.state.studies.get(study)
    const settled = partnersSoFar(
      study,
      [...runs.values()].map(({ run }) => run),
    )
    return record ? partnersBy(record, settled) : settled
  }

  /** A change of partners may be in force now; a run to which it is no news takes no event. */
  function changePartners({ run, command }: RunProcess): void {
    if (run.state !== 'running' || !stream.state.studies.get(run.study)?.changes.length) return
    command({ type: 'change-partners', partners: partnersOf(run.study) }).catch((error) =>
      log.error({ run: run.id, error: errorMessage(error) }, 'a change of partners was not taken'),
    )
  }

  function onRunChange(process: RunProcess): void {
    for (const site of attending.sites) deliver(site)
    if (columns.changed(process.run)) for (const other of runs.values()) if (other !== process) other.look()
    if (process.run.state !== 'running') anchor(process)
  }

  /** The federation's stream holds the head of every run that ended. */
  function anchor(process: RunProcess): void {
    const { run, head, entries } = process
    const { root } = process.logHead()
    stream
      .change(({ runs: records }): FederationEvent[] => {
        if (run.state === 'running' || records.get(run.id)?.ended) return []
        return [
          { type: 'run-ended', at: clock.now().toISOString(), run: run.id, outcome: run.state, entries, head, root },
        ]
      })
      .then(() => {
        for (const site of attending.sites) deliver(site)
      })
      .catch((error) => log.error({ run: run.id, error: errorMessage(error) }, 'the end of a run was not anchored'))
  }

  async function openRun(record: RunRecord): Promise<RunProcess> {
    const study = stream.state.studies.get(record.study)
    const { signed } = await studies.load(study!)
    const process = await openRunProcess(record, signed.manifest, {
      ...options,
      threads,
      messages,
      sums,
      replays,
      partners: () => partnersOf(record.study),
      columns,
      attendance: (run, progress) => attendanceOf(stream.state, attending, run, progress),
      onChange: onRunChange,
      heldBy: () => restoredError(stream.state),
    })
    await readShareKeys(process.run, messages)
    runs.set(record.run, process)
    return process
  }

  async function startRun(record: RunRecord): Promise<RunProcess> {
    const process = await openRun(record)
    await process.resume()
    return process
  }

  const parts: Parts = {
    ...options,
    stream,
    changes,
    studies,
    runs,
    attending,
    ledgersTold(by, ledgers) {
      for (const site of sessionLedgers.tell(by, ledgers)) deliver(site)
    },
    async headsTold(by, told) {
      await takeKnownHeads(parts, by, told)
      heads.told(by, told)
      deliver(by)
    },
    uploads,
    messages,
    inOrder: openSerial(),
    findRun,
    startRun,
    partnersOf,
    federationChanged() {
      changes.notify()
      for (const site of attending.sites) deliver(site)
      for (const process of runs.values()) {
        changePartners(process)
        process.look()
      }
    },
  }
  // Each knows of all others before one goes on: no two sum a column.
  for (const record of stream.state.runs.values()) await openRun(record)
  for (const process of runs.values()) await process.resume()
  // A coordinator that was killed may not have got to it.
  for (const process of runs.values()) changePartners(process)
  return {
    federationService: federationService(parts),
    adminService: adminService(parts),
    name: stream.state.name,
    async stop() {
      for (const process of runs.values()) await process.stop()
      attending.stop()
      await stream.settled()
      await threads.close()
    },
  }
}

/** Once for each stream, and again once its peers told of more. */
function ledgerSeen(ledger: SignedLedger | undefined): Outgoing[] {
  if (!ledger) return []
  const { planHash } = ledger
  return [{ key: `ledger-seen/${planHash}`, message: { type: 'ledger-seen', ledger } }]
}

/** What sites sealed for each other before the coordinator was started again. */
async function readShareKeys({ current }: Run, messages: StoredMessages): Promise<void> {
  if (!current || !('session' in current) || !current.session || !('shared' in current.session)) return
  for (const { message } of current.session.shared.values()) await messages.shareKeys(message)
}

async function openFederationStream(options: CoordinatorOptions): Promise<EventStream<Federation, FederationEvent>> {
  const { eventLog, clock, federation, identity, authority, onFailure } = options
  const coordinatorPublicKey = Buffer.from(identity.publicKey).toString('base64')
  const stream = await openEventStream<Federation, FederationEvent>({
    log: eventLog,
    stream: federationStream,
    initial: emptyFederation,
    evolve: evolveFederation,
    toEntry: federationEntry,
    fromEntry: readFederationEvent,
    onFailure,
  })
  await stream.change(({ name }) =>
    name !== ''
      ? []
      : [
          {
            type: 'federation-created',
            at: clock.now().toISOString(),
            name: federation,
            coordinatorPublicKey,
            authority: authority.fingerprint,
          },
        ],
  )
  const { state } = stream
  // A coordinator that was killed while it rotated its key goes on with the one that the log names.
  if (!(await identity.adopt(Buffer.from(state.coordinatorPublicKey, 'base64'))))
    throw foreignKeys(state, "the coordinator's signing key")
  if (state.authority !== authority.fingerprint) throw foreignKeys(state, 'the certificate authority')
  return stream
}

/** Sites pinned the keys that the log names, and would refuse every other. */
function foreignKeys({ name }: Federation, what: string): FederationError {
  const message = `${what} is not the one that the log of federation ${name} names: restore the keys from the backup`
  return new FederationError('store-failed', message)
}
