/**
 * A run being run: commands are decided one after the other and appended, and what follows (messages to sites, the timer
 * of the next deadline, aggregation, export) is worked out from the state each time, so a restart simply does it again.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import type { LogProof, LogProofRequest } from '@consilium/protos/control-messages.ts'
import { errorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { type Changes, openChanges } from '../changes.ts'
import { type EventStream, openEventStream } from '../event-stream.ts'
import type { RunRecord } from '../federation/federation.ts'
import type { ColumnStates } from '../round/columns.ts'
import { leftOut } from '../round/left-out.ts'
import type { RoundOver } from '../round/over.ts'
import type { Attendance } from '../round/presence.ts'
import { missingInRecruit } from '../round/recruit.ts'
import { nextDeadline } from '../round/round.ts'
import { type RunEvent, readRunEvent, runEntry, runStream } from '../run/events.ts'
import { decideNext, evolveRun, startedRun } from '../run/run.ts'
import type { Partners, Run, RunCommand } from '../run/state.ts'
import { runView } from '../run/view.ts'
import type { RunView } from '../services.ts'
import type { EventLog } from '../store/event-log.ts'
import { uploadId } from '../summing/upload-id.ts'
import { doOwnWork, type Tools, workDue } from './own-work.ts'
import { openProgress, type Progress } from './progress.ts'
import { proofOf } from './prove-log.ts'

type Command = Exclude<RunCommand, { type: 'look' }>

export type RunProcess = {
  readonly run: Run
  /** Hash of the last entry of the run's stream, and its length. */
  readonly head: string
  readonly entries: number
  /** Number and Merkle tree hash of the entries that are durable. */
  logHead(): LogHead
  /** Merkle tree hash of its first entries; not more than there are. */
  rootAt(size: number): string
  /** Proofs of this run's log; rejects with `invalid-argument` for what it does not have. */
  prove(request: LogProofRequest): Promise<LogProof>
  readonly progress: Progress
  readonly changes: Changes
  /** Decides and appends, with all that follows at once; resolves when it is durable. */
  command(command: Command): Promise<void>
  /** Goes on from where the state is; called once, when others can find the run. */
  resume(): Promise<void>
  /** Looks again at who is there and what is due. */
  look(): void
  /** Something moved that no event tells of: watchers see it soon. */
  moved(): void
  /** What became of an earlier round of this run. */
  pastRound(planHash: Sha256): RoundOver | undefined
  view(): RunView
  /** Ends timers and waits for work under way; the run goes on at the next start. */
  stop(): Promise<void>
}

export type RunProcessOptions = Tools & {
  readonly eventLog: EventLog
  readonly clock: Clock
  readonly attendance: (run: Run, progress: Progress) => Attendance
  /** What the other runs made of columns; those that this one is about to sum are so for them from `planned` on. */
  readonly columns: { of(run: RunId): ColumnStates; planned(run: RunId, plan: RoundPlan): void }
  /** Called after every change, with the run as it is then. */
  readonly onChange: (process: RunProcess) => void
  readonly onFailure: (error: Error) => void
  /** Whom earlier runs of the study settled on; read when the run starts. */
  readonly partners: () => Partners
  /** Why nothing may go on but a cancellation; undefined while it may. */
  readonly heldBy: () => FederationError | undefined
}

/** How soon watchers see progress, milliseconds. */
const progressDelayMs = 200

/** Opens the run's stream and goes on where it is; a new run starts. */
export async function openRunProcess(
  record: RunRecord,
  manifest: StudyManifest,
  options: RunProcessOptions,
): Promise<RunProcess> {
  const { clock, log, objects } = options
  const stream = await openRunStream(record, manifest, options)
  const progress = openProgress()
  const changes = openChanges()
  const pastRounds = new Map<Sha256, RoundOver>()
  let working: { readonly due: string; readonly done: Promise<void> } | undefined
  let cancelDeadline = () => {}
  let cancelMoved: (() => void) | undefined
  let indexed = 0
  let stopped = false
  const current = () => stream.state as Run

  async function settle(command: Command | undefined): Promise<void> {
    if (stopped) throw new FederationError('cancelled', 'the coordinator stops: try again when it is back')
    const held = command?.type === 'cancel' ? undefined : options.heldBy()
    if (held && command) throw held
    if (held) return
    if (command) await decideNow(command)
    // Every look sees the head of the log with all in it that was decided before.
    while (!stopped && (await decideNow(undefined)).length > 0);
    followUp()
  }

  function decideNow(command: Command | undefined): Promise<readonly RunEvent[]> {
    // A command hangs on the state alone, a look on the head of the log too.
    const change = command ? stream.changeTogether : stream.change
    return change((state) => {
      const run = state as Run
      const columns = options.columns.of(run.id)
      const events = decideNext(run, command, options.attendance(run, progress), stream.logHead(), clock.now(), columns)
      // Before they are durable: another run may decide meanwhile.
      for (const event of events)
        if (event.type === 'cohort-selected' && event.purpose === 'statistics')
          options.columns.planned(run.id, event.plan)
      return events
    })
  }

  function look(): void {
    if (!stopped && current().state === 'running') inBackground(settle(undefined))
  }

  function inBackground(task: Promise<void>): void {
    task.catch((error) => log.error({ run: record.run, error: errorMessage(error) }, 'a run could not go on'))
  }

  /** What the state asks for beyond itself. */
  function followUp(): void {
    if (stopped) return
    const run = current()
    for (; indexed < run.past.length; indexed++) {
      const over = run.past[indexed]!
      if (over.planHash) pastRounds.set(over.planHash, over)
      inBackground(forgetUpdates(over))
    }
    beginOwnWork(run)
    setDeadline(run)
    options.onChange(self)
    changes.notify()
  }

  function beginOwnWork(run: Run): void {
    const due = workDue(run, options)
    if (!due || working?.due === due) return
    const done = finishOwnWork(run, due)
    working = { due, done: done.catch(() => {}) }
    inBackground(done)
  }

  async function finishOwnWork(run: Run, due: string): Promise<void> {
    const commands = await doOwnWork(run, options)
    // What was gathered is told.
    if (commands.length === 0) return look()
    // Else the round was cancelled meanwhile and its updates dropped: that its sum failed then says nothing of the run.
    if (workDue(current(), options) === due) await settleAll(commands)
  }

  /** One that cannot be settled fails the run. */
  async function settleAll(commands: readonly Command[]): Promise<void> {
    try {
      for (const each of commands) if (!stopped) await settle(each)
    } catch (error) {
      if (!stopped) await settle({ type: 'fail', code: errorCode(error), reason: errorMessage(error) })
      throw error
    }
  }

  function setDeadline(run: Run): void {
    cancelDeadline()
    cancelDeadline = () => {}
    if (!run.current) return
    const dueMs = nextDeadline(run.current, options.attendance(run, progress))
    if (dueMs === undefined || dueMs === Number.POSITIVE_INFINITY) return
    cancelDeadline = clock.setTimer(Math.max(0, dueMs - clock.now().getTime()), look)
  }

  /** Updates are of no use after their round: nobody shall find one later. */
  async function forgetUpdates({ planHash, cohort }: RoundOver): Promise<void> {
    if (!planHash) return
    options.messages.forget(planHash)
    options.replays.forget(planHash)
    for (const site of cohort) await objects.dropStaged(uploadId(planHash, site))
  }

  const self: RunProcess = {
    get run() {
      return current()
    },
    get head() {
      return stream.head
    },
    get entries() {
      return stream.length
    },
    logHead: stream.logHead,
    rootAt: stream.rootAt,
    prove: (request) => proofOf(stream, request),
    progress,
    changes,
    command: settle,
    resume: () => settle(undefined),
    look,
    moved() {
      cancelMoved ??= clock.setTimer(progressDelayMs, () => {
        cancelMoved = undefined
        changes.notify()
      })
    },
    pastRound: (planHash) => pastRounds.get(planHash),
    view() {
      const run = current()
      const { current: round } = run
      const moved = progress.of(round && 'planHash' in round ? round.planHash : undefined)
      if (!round) return runView(run, stream.head, moved)
      const attendance = options.attendance(run, progress)
      const awaited = round.phase === 'recruit' ? missingInRecruit(round, attendance) : undefined
      const away = [...attendance].flatMap(([site, { absentSinceMs }]): [SiteName, number][] =>
        absentSinceMs === undefined ? [] : [[site, absentSinceMs]],
      )
      return runView(run, stream.head, moved, {
        leftOut: leftOut(round, attendance),
        ...(awaited && { awaited }),
        away: new Map(away),
      })
    },
    async stop() {
      stopped = true
      cancelDeadline()
      cancelMoved?.()
      await working?.done
      await stream.settled()
    },
  }
  // Of the rounds before a restart only the last may have left updates behind.
  for (const over of current().past.slice(0, -1)) if (over.planHash) pastRounds.set(over.planHash, over)
  indexed = Math.max(0, current().past.length - 1)
  return self
}

type RunStream = EventStream<Run | undefined, RunEvent>

/** The run's stream with its first event, or with the one that says that the coordinator was started again. */
async function openRunStream(
  record: RunRecord,
  manifest: StudyManifest,
  { eventLog, clock, onFailure, partners }: RunProcessOptions,
): Promise<RunStream> {
  const { run } = record
  const stream: RunStream = await openEventStream<Run | undefined, RunEvent>({
    log: eventLog,
    stream: runStream(run),
    initial: undefined,
    evolve: (state, event) => {
      if (state) return evolveRun(state, event)
      return event.type === 'run-started' ? startedRun(event, manifest) : undefined
    },
    toEntry: runEntry,
    fromEntry: readRunEvent,
    onFailure,
  })
  const at = clock.now().toISOString()
  await stream.change((state) => {
    if (!state) return [startOf(record, partners(), at)]
    return state.state === 'running' ? [{ type: 'run-resumed', at }] : []
  })
  return stream
}

function startOf(record: RunRecord, { statistics, evaluate }: Partners, at: string): RunEvent {
  const { run, study, publicKey, sealedSecretKey, without } = record
  const partners = { ...(statistics && { statistics: [...statistics] }), ...(evaluate && { evaluate: [...evaluate] }) }
  return {
    ...{ type: 'run-started', at, run, study, publicKey, sealedSecretKey },
    ...((statistics || evaluate) && { partners }),
    ...(without && { without }),
  }
}
