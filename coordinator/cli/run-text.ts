/** How a run reads: the table of its rounds, the live view, and one line for each thing that happened. Pure text. */
import type { RoundView, RunView } from '../services.ts'
import {
  bar,
  colored,
  fields,
  formatBytes,
  formatMetric,
  formatTime,
  printable,
  shortHash,
  type Terminal,
  table,
} from './output.ts'

/** Rounds shown in the live view; `run show` shows all. */
const liveRoundsMax = 12
/** Dropouts shown there. */
const liveDropoutsMax = 3

export function runTable(runs: readonly RunView[]): string {
  if (runs.length === 0) return 'No runs yet: consilium run start <study>\n'
  const rows = runs.map((run) => {
    const last = run.rounds.findLast(({ loss }) => loss !== undefined)
    return [
      run.run,
      run.studyName,
      run.state,
      roundsDone(run),
      formatMetric(last?.auroc),
      formatMetric(last?.accuracy),
      formatTime(run.startedAt),
    ]
  })
  return table(['run', 'study', 'state', 'rounds', 'AUROC', 'accuracy', 'started'], rows)
}

export function runText(run: RunView): string {
  const rounds = run.rounds.length > 0 ? `\n${roundTable(run.rounds)}` : ''
  return [runHead(run), rounds, dropoutText(run.rounds, Number.POSITIVE_INFINITY), finalTable(run)].join('')
}

/** The whole screen of `run watch`: state, what each site is doing, as many of the newest rounds as there is room for. */
export function liveView(run: RunView, terminal: Terminal): string {
  const above = runHead(run) + (run.current ? currentText(run.current, terminal) : '')
  const below = dropoutText(run.rounds, liveDropoutsMax) + (run.current ? '' : finalTable(run))
  const lines = `${above}${below}`.split('\n').length
  // The table has an empty line and a header above its rounds; the last line of the terminal stays free.
  const room = run.state === 'running' ? Math.min(liveRoundsMax, terminal.rows - lines - 2) : liveRoundsMax
  const rounds = room > 0 ? run.rounds.slice(-room) : []
  return [above, rounds.length > 0 ? `\n${roundTable(rounds)}` : '', below].join('')
}

function currentText({ round, purpose, phase, sites }: NonNullable<RunView['current']>, terminal: Terminal): string {
  const width = Math.max(10, Math.min(40, terminal.columns - 60))
  const names = Math.max(4, ...sites.map(({ site }) => site.length))
  const lines = sites.map(({ site, state, done, total, uploadedBytes }) => {
    const share = total > 0 ? `${done} of ${total}` : ''
    const uploaded = uploadedBytes > 0 ? `  ${formatBytes(uploadedBytes)} uploaded` : ''
    return `  ${site.padEnd(names)}  ${bar(done, total, width)}  ${state}  ${share}${uploaded}\n`
  })
  return `\n${colored(terminal, 'bold', `round ${round}`)}  ${purpose}: ${phase}\n${lines.join('')}`
}

/** One line for each thing that is new in `run` since `before`: rounds ended, dropouts, a phase begun, the run's end. */
export function newLines(before: RunView | undefined, run: RunView): string[] {
  const lines: string[] = []
  if (!before) lines.push(`run ${run.run} of ${run.studyName}: ${run.state}, ${run.roundsPlanned} rounds planned`)
  const ended = (view: RunView | undefined) =>
    new Set((view?.rounds ?? []).filter((r) => isOver(r, view)).map((r) => r.round))
  const known = ended(before)
  for (const round of run.rounds) {
    const dropoutsBefore = before?.rounds.find((other) => other.round === round.round)?.dropouts.length ?? 0
    for (const { site, purpose, reason } of round.dropouts.slice(dropoutsBefore))
      lines.push(`round ${round.round}  ${site} dropped out (${purpose}): ${reason}`)
    if (isOver(round, run) && !known.has(round.round)) lines.push(roundLine(round))
  }
  const { current } = run
  if (current && phaseOf(before) !== phaseOf(run))
    lines.push(`round ${current.round}  ${current.purpose}: ${current.phase}, ${current.sites.length} sites`)
  if (run.state !== 'running' && before?.state !== run.state) lines.push(endLine(run))
  return lines.map(printable)
}

function endLine(run: RunView): string {
  if (run.state === 'finished') return `run ${run.run} finished, model ${run.modelSha256 ?? '-'}`
  return `run ${run.run} ${run.state}: ${run.reason}`
}

function phaseOf(run: RunView | undefined): string {
  return run?.current ? `${run.current.round} ${run.current.purpose} ${run.current.phase}` : ''
}

/** A round's figures are complete once the run works on a later one, or on none. */
function isOver(round: RoundView, run: RunView | undefined): boolean {
  return run?.current === undefined || run.current.round > round.round
}

function roundLine(round: RoundView): string {
  const figures = [
    round.loss === undefined ? '' : `loss ${formatMetric(round.loss)}`,
    round.auroc === undefined ? '' : `AUROC ${formatMetric(round.auroc)}`,
    round.accuracy === undefined ? '' : `accuracy ${formatMetric(round.accuracy)}`,
    `${round.survivors.length} of ${round.cohort.length} sites`,
    formatBytes(round.uploadBytes),
    `${round.seconds.toFixed(2)} s`,
  ]
  return `round ${round.round}  ${round.round === 0 ? 'statistics  ' : ''}${figures.filter(Boolean).join('  ')}`
}

function runHead(run: RunView): string {
  return fields([
    ['run', run.run],
    ['study', `${run.studyName} (${shortHash(run.studyHash)})`],
    ['state', run.reason ? `${run.state}: ${run.reason}` : run.state],
    ['rounds', roundsDone(run)],
    ['started', formatTime(run.startedAt)],
    ['ended', run.endedAt ? formatTime(run.endedAt) : undefined],
    ['model', run.modelSha256],
    ['log head', run.logHead],
  ])
}

function roundsDone(run: RunView): string {
  // Lists hold the newest rounds only, so the number tells, not the count.
  const done = run.rounds.findLast((round) => isOver(round, run))?.round ?? 0
  return `${done} of ${run.roundsPlanned}`
}

function roundTable(rounds: readonly RoundView[]): string {
  const rows = rounds.map((round) => [
    String(round.round),
    `${round.survivors.length}/${round.cohort.length}`,
    formatMetric(round.trainingLoss),
    formatMetric(round.loss),
    formatMetric(round.auroc),
    formatMetric(round.accuracy),
    formatBytes(round.uploadBytes),
    `${round.seconds.toFixed(2)} s`,
  ])
  return table(['round', 'sites', 'training loss', 'loss', 'AUROC', 'accuracy', 'received', 'time'], rows)
}

/** The newest `most` dropouts, one to a line: a reason is too long for a column. */
function dropoutText(rounds: readonly RoundView[], most: number): string {
  const lines = rounds.flatMap(({ round, dropouts }) =>
    dropouts.map(({ site, purpose, reason }) =>
      printable(`round ${round}  ${site} dropped out (${purpose}): ${reason}`),
    ),
  )
  return lines.length === 0 ? '' : `\n${lines.slice(-most).join('\n')}\n`
}

function finalTable(run: RunView): string {
  if (run.final.length === 0) return ''
  const rows = run.final.map(({ site, examples, loss, auroc, accuracy }) => [
    site,
    String(examples),
    formatMetric(loss),
    formatMetric(auroc),
    formatMetric(accuracy),
  ])
  return `\n${table(['site', 'test rows', 'loss', 'AUROC', 'accuracy'], rows)}`
}
