/** A run without a shell: time, presence and the sites' messages are plain values, so whole runs take milliseconds. */
import { columnsOf, summedValues } from '@consilium/protos/plan/columns.ts'
import type { StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { type StudyInput, studySchema } from '@consilium/protos/plan/study.ts'
import { summedColumns } from '@consilium/protos/strategy/standardisation.ts'
import type { RoundResult } from '../../../coordinator/round/events.ts'
import { nextDeadline, type OpenRound } from '../../../coordinator/round/round.ts'
import { type RunEvent, readRunEvent, runEntry } from '../../../coordinator/run/events.ts'
import { nextStep } from '../../../coordinator/run/next-step.ts'
import { decideNext, decideRun, evolveRun, startedRun } from '../../../coordinator/run/run.ts'
import type { Run, RunCommand } from '../../../coordinator/run/state.ts'
import { aManifest, aStudy } from '../../support/a-study.ts'
import { attendance as attendanceOf, identityOf, type Shown } from '../round/given.ts'
import { type HonestSites, honestSites, sealedUpdateOf } from '../round/honest-sites.ts'

export const startMs = Date.parse('2026-11-22T10:00:00.000Z')
export const siteNames = ['basel', 'cleveland', 'hungary', 'zurich']

type Changes = Partial<Pick<StudyInput, 'rounds' | 'standardisation' | 'evaluation' | 'cohort'>>

/** Sealed, with the quorum of two that only a sealed study may have. */
export function manifestOf(changes: Changes = {}): StudyManifest {
  const sealed = { aggregation: { mode: 'sealed' }, cohort: { min: 3, quorum: 2 } } as const
  return aManifest({ study: studySchema.parse({ ...aStudy, rounds: 2, ...sealed, ...changes }) })
}

export function secureManifestOf(changes: Changes = {}): StudyManifest {
  return aManifest({ study: studySchema.parse({ ...aStudy, rounds: 2, ...changes }) })
}

export const started: Extract<RunEvent, { type: 'run-started' }> = {
  type: 'run-started',
  at: new Date(startMs).toISOString(),
  run: 'heart-1',
  study: 'a'.repeat(64),
  publicKey: Buffer.alloc(32, 7).toString('base64'),
  sealedSecretKey: 'AAAA',
}

export type SimulatedRun = ReturnType<typeof simulateRun>

export function simulateRun(manifest = manifestOf()) {
  let run: Run = startedRun(started, manifest)
  let nowMs = startMs
  const events: RunEvent[] = [started]
  const presence = new Map<string, Shown>(siteNames.map((site) => [site, {}]))
  const honest: HonestSites = honestSites(siteNames, identityOf)

  const attendance = () => attendanceOf(Object.fromEntries(presence), [])
  const logHead = () => ({ size: run.entries, root: run.entries.toString(16).padStart(64, '0') })
  const apply = (decided: readonly RunEvent[]) => {
    for (const event of decided) {
      events.push(event)
      run = evolveRun(run, event)
    }
    return decided.length
  }
  const settle = () => {
    while (apply(decideNext(run, undefined, attendance(), logHead(), new Date(nowMs))) > 0);
  }
  const send = (command: RunCommand) => {
    apply(decideRun(run, command, new Date(nowMs)))
    settle()
  }
  return {
    get run() {
      return run
    },
    get nowMs() {
      return nowMs
    },
    events,
    manifest,
    presence,
    settle,
    send,
    restart() {
      if (run.state === 'running') apply([{ type: 'run-resumed', at: new Date(nowMs).toISOString() }])
      settle()
    },
    /** Moves time to the next deadline, or does the coordinator's own work; false where the run has ended. */
    advance(): boolean {
      if (run.state !== 'running') return false
      if (run.current?.phase === 'commit') send(commitCommand(run.current))
      else if (nextStep(run).type === 'export') send({ type: 'finish', model: 'd'.repeat(64) })
      // Nobody is given up on once a sum is confirmed: whoever may still come, comes.
      else if (run.current?.phase === 'unmask')
        for (const site of siteNames) this.say(presence.get(site)?.excluded === undefined ? site : undefined)
      else if (run.current) {
        nowMs = Math.max(nowMs, nextDeadline(run.current, attendance()) ?? nowMs)
        const before = events.length
        settle()
        if (events.length === before) throw new Error(`nothing happens at a deadline in ${run.current?.phase}`)
      } else settle()
      return true
    },
    wait(ms: number) {
      nowMs += ms
      settle()
    },
    /** A site says everything it has to say in the present phase. */
    say(site: string | undefined) {
      const round = run.current
      if (round && site) for (const command of honest.commands(round, site)) send(command)
    },
    /** Every site does at once what is asked of it, or the coordinator what is its own to do. */
    cooperate(): boolean {
      const round = run.current
      if (!round || round.phase === 'recruit' || round.phase === 'commit') return this.advance()
      for (const site of siteNames) if (run.current?.phase === round.phase) this.say(site)
      return true
    },
    /** The run as the fold of what the log would hold. */
    replayed(): Run {
      const entries = events.map((event, seq) => ({
        stream: 'run/heart-1',
        seq,
        previous: '',
        hash: '',
        ...structuredClone(runEntry(event)),
      }))
      return entries
        .slice(1)
        .reduce((state, entry) => evolveRun(state, readRunEvent(entry)), startedRun(started, manifest))
    },
  }
}

export const planOf = (run: Run): string =>
  run.current && run.current.phase !== 'recruit' ? run.current.planHash : 'f'.repeat(64)

export const updateOf = sealedUpdateOf

function commitCommand(round: OpenRound): RunCommand {
  if (round.phase !== 'commit') throw new Error(round.phase)
  return { type: 'commit', planHash: round.planHash, result: resultOf(round) }
}

const columns = columnsOf(studySchema.parse(aStudy).features)
const summed = summedColumns(columns, new Float64Array(3 * summedValues(columns)))

function resultOf({ setting }: OpenRound): RoundResult {
  if (setting.purpose === 'statistics') return { purpose: 'statistics', examples: 9, columns: summed }
  if (setting.purpose === 'evaluate')
    return { purpose: 'evaluate', examples: 9, loss: 0.5, meanSiteAccuracy: 0.6, perSite: [] }
  const parameters = String(setting.round).padStart(64, '0')
  return { purpose: 'train', examples: 9, parameters, loss: 0.7, clippedSites: 1 }
}
