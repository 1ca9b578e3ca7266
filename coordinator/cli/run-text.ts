/** How a run reads: the table of its rounds, the live view, and one line for each thing that happened. Pure text. */
import { fields, formatBytes, formatTime, printable, shortHash } from '@consilium/protos/plain-text.ts'
import { subsetText } from '../run/subset.ts'
import { columnsTakenText } from '../run/taken-text.ts'
import type { RoundView, RunView } from '../services.ts'
import { bar, colored, formatMetric, type Terminal, table } from './output.ts'

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
      waitingText(run) ?? run.state,
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
  return [
    runHead(run),
    leftOutText(run),
    rounds,
    dropoutText(run.rounds, Number.POSITIVE_INFINITY),
    finalTable(run),
  ].join('')
}

/** The whole screen of `run watch`: state, what each site is doing, as many of the newest rounds as there is room for. */
export function liveView(run: RunView, terminal: Terminal): string {
  const above = runHead(run) + (run.current ? currentText(run.current, terminal) : '') + leftOutText(run)
  const below = dropoutText(run.rounds, liveDropoutsMax) + (run.current ? '' : finalTable(run))
  const lines = `${above}${below}`.split('\n').length
  // The table has an empty line and a header above its rounds; the last line of the terminal stays free.
  const room = run.state === 'running' ? Math.min(liveRoundsMax, terminal.rows - lines - 2) : liveRoundsMax
  const rounds = room > 0 ? run.rounds.slice(-room) : []
  return [above, rounds.length > 0 ? `\n${roundTable(rounds)}` : '', below].join('')
}

function currentText(current: NonNullable<RunView['current']>, terminal: Terminal): string {
  const { round, phase, sites } = current
  const width = Math.max(10, Math.min(40, terminal.columns - 60))
  const names = Math.max(4, ...sites.map(({ site }) => site.length))
  const lines = sites.map(({ site, state, done, total, uploadedBytes, awaySince }) => {
    const share = total > 0 ? `  ${Math.floor((100 * done) / total)} %` : ''
    const uploaded = uploadedBytes > 0 ? `  ${formatBytes(uploadedBytes)} uploaded` : ''
    return `  ${site.padEnd(names)}  ${bar(done, total, width)}  ${state}${share}${uploaded}${awaySince ? `  not connected since ${formatTime(awaySince)}` : ''}\n`
  })
  const awaited = awaitedText(current)
  const head = `${colored(terminal, 'bold', `round ${round}`)}  ${purposeText(current)}: ${phaseWords(phase)}`
  return `\n${head}${awaited ? `, ${awaited}` : ''}\n${lines.join('')}`
}

/** `evaluate`, or `evaluate, attempt 2` where it lost a partner before. */
export function purposeText({
  purpose,
  attempt,
}: Pick<NonNullable<RunView['current']>, 'purpose' | 'attempt'>): string {
  return attempt ? `${purpose}, attempt ${attempt}` : purpose
}

/** `confirm-survivors` as a person reads it. */
function phaseWords(phase: string): string {
  return phase.replaceAll('-', ' ')
}

const sumsOf = { statistics: 'statistics', train: 'training sums', evaluate: 'evaluations' }

/** Of a run that waits for sites that are missing. */
function waitingText({ state, current }: RunView): string | undefined {
  if (current?.phase !== 'recruit' || !current.awaited) return undefined
  const { sites, until } = current.awaited
  return `${state}, waits for ${sites.join(', ')}${until ? ` until ${formatTime(until)}` : ''}`
}

/** What a round waits for: sites that are missing as it recruits; in secure aggregation also answers, once its sum is settled; unmasking has no deadline. */
function awaitedText({ phase, purpose, awaited }: NonNullable<RunView['current']>): string {
  if (!awaited || awaited.answers === 0) return ''
  if (phase === 'recruit') {
    const until = awaited.until ? ` until ${formatTime(awaited.until)}` : ''
    const them = awaited.answers === 1 ? 'it' : 'them'
    const why =
      awaited.because === 'partners' ? `${sumsOf[purpose]} are among all of their sites` : `the study requires ${them}`
    return `waiting for ${awaited.sites.join(', ')}${until}: ${why}`
  }
  const sites = `${awaited.answers} more of ${awaited.sites.join(', ')}`
  return phase === 'unmask' ? `open until ${sites} reveal their shares` : `waiting for ${sites}`
}

/** One line for each thing that is new in `run` since `before`: rounds ended, dropouts, a phase begun, the run's end. */
export function newLines(before: RunView | undefined, run: RunView): string[] {
  const lines: string[] = []
  if (!before) lines.push(`run ${run.run} of ${run.studyName}: ${run.state}, ${run.roundsPlanned} rounds planned`)
  const taken = meansText(run)
  if (taken && taken !== meansText(before)) lines.push(taken)
  const ended = (view: RunView | undefined) =>
    new Set((view?.rounds ?? []).filter((r) => isOver(r, view)).map((r) => r.round))
  const known = ended(before)
  for (const round of run.rounds) {
    const dropoutsBefore = before?.rounds.find((other) => other.round === round.round)?.dropouts.length ?? 0
    for (const dropout of round.dropouts.slice(dropoutsBefore)) lines.push(dropoutLine(round.round, dropout))
    const interruptedBefore = before?.rounds.find((other) => other.round === round.round)?.interrupted?.length ?? 0
    for (const text of (round.interrupted ?? []).slice(interruptedBefore)) lines.push(`round ${round.round}  ${text}`)
    if (isOver(round, run) && !known.has(round.round)) lines.push(roundLine(round))
  }
  const { current } = run
  if (current && phaseOf(before) !== phaseOf(run)) {
    const awaited = awaitedText(current)
    const phase = `round ${current.round}  ${purposeText(current)}: ${phaseWords(current.phase)}`
    lines.push(`${phase}, ${awaited || `${current.sites.length} sites`}`)
  }
  const awayBefore = awayLines(before)
  lines.push(...awayLines(run).filter((line) => !awayBefore.includes(line)))
  const leftOutBefore = leftOutLines(before)
  lines.push(...leftOutLines(run).filter((line) => !leftOutBefore.includes(line)))
  if (run.state !== 'running' && before?.state !== run.state) lines.push(endLine(run))
  return lines.map(printable)
}

/** Which means are not summed again, because an earlier run did; empty where there are none. */
export function meansText(run: RunView | undefined): string {
  const taken = columnsTakenText(run?.columnsTaken ?? [])
  return taken && `means and deviations ${taken}`
}

/** Sites whose work the round waits for without a line to them. */
function awayLines(run: RunView | undefined): string[] {
  if (run?.current?.phase !== 'work') return []
  return run.current.sites.flatMap(({ site, state, awaySince }) =>
    awaySince && state === 'working'
      ? [`${site} is not connected since ${formatTime(awaySince)}; its work is waited for`]
      : [],
  )
}

function leftOutLines(run: RunView | undefined): string[] {
  return (run?.current?.leftOut ?? []).map(({ site, reason }) => `${site} is left out: ${reason}`)
}

function leftOutText(run: RunView): string {
  return leftOutLines(run)
    .map((line) => `\n${printable(line)}\n`)
    .join('')
}

function endLine(run: RunView): string {
  const subset = subsetText(run)
  const ending = `run ${run.run} ${run.state}${subset && ` ${subset}`}`
  const gap = gapOfLast(run)
  return run.state === 'finished'
    ? `${ending}${gap ? `, ${gap}` : ''}, model ${run.modelSha256 ?? '-'}`
    : `${ending}: ${run.reason}`
}

/** Why the last model was not evaluated, of a run whose last round is over. */
export function gapOfLast({ rounds, roundsPlanned }: RunView): string | undefined {
  const last = rounds.at(-1)
  return last?.round === roundsPlanned ? last.withheld : undefined
}

function phaseOf(run: RunView | undefined): string {
  if (!run?.current) return ''
  const { round, phase } = run.current
  // Whom a round waits for as it recruits may change while nothing else does.
  return `${round} ${purposeText(run.current)} ${phase} ${phase === 'recruit' ? awaitedText(run.current) : ''}`
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
    contributorsText(round),
    round.withheld ?? '',
    formatBytes(round.uploadBytes),
    `${round.seconds.toFixed(2)} s`,
  ]
  return `round ${round.round}  ${round.round === 0 ? 'statistics  ' : ''}${figures.filter(Boolean).join('  ')}`
}

/** Said where somebody gave nothing: its own log says why, and nobody else's says who. */
export function contributorsText({ contributors, survivors }: Pick<RoundView, 'contributors' | 'survivors'>): string {
  if (contributors === undefined || contributors === survivors.length) return ''
  return `${contributors} of ${survivors.length} contributed`
}

function runHead(run: RunView): string {
  return fields([
    ['run', run.run],
    ['study', `${run.studyName} (${shortHash(run.studyHash)})`],
    ['state', run.reason ? `${run.state}: ${run.reason}` : run.state],
    ['went on', subsetText(run) || undefined],
    ['last model', gapOfLast(run)],
    ['aggregation', aggregationText(run)],
    ['means', columnsTakenText(run.columnsTaken ?? []) || undefined],
    ['rounds', roundsDone(run)],
    ['now', run.current && nowText(run.current)],
    ['started', formatTime(run.startedAt)],
    ['ended', run.endedAt ? formatTime(run.endedAt) : undefined],
    ['model', run.modelSha256],
    ['log head', run.logHead],
  ])
}

function aggregationText({ aggregation, rounds }: RunView): string {
  if (aggregation === 'sealed') return 'sealed: the coordinator opens the update of each site'
  const session = rounds.findLast(({ secure }) => secure)?.secure
  if (!session) return 'secure: the coordinator learns sums over sites only'
  const { survivorsMin, sites, colluders } = session
  return `secure: sums over at least ${survivorsMin} of ${sites} sites, of which ${colluders} may collude with the coordinator`
}

function nowText(current: NonNullable<RunView['current']>): string {
  const awaited = awaitedText(current)
  return `round ${current.round}, ${purposeText(current)}: ${phaseWords(current.phase)}${awaited ? `, ${awaited}` : ''}`
}

function roundsDone(run: RunView): string {
  // Lists hold the newest rounds only, so the number tells, not the count.
  const done = run.rounds.findLast((round) => isOver(round, run))?.round ?? 0
  return `${done} of ${run.roundsPlanned}`
}

function roundTable(rounds: readonly RoundView[]): string {
  const hasSiteMean = rounds.some(({ meanSiteAccuracy }) => meanSiteAccuracy !== undefined)
  const columns: readonly (readonly [string, (round: RoundView) => string])[] = [
    ['round', ({ round }) => String(round)],
    ['sites', ({ survivors, cohort }) => `${survivors.length}/${cohort.length}`],
    ['train loss', ({ trainingLoss }) => formatMetric(trainingLoss)],
    ['loss', ({ loss }) => formatMetric(loss)],
    ['AUROC', ({ auroc }) => formatMetric(auroc)],
    ['accuracy', ({ accuracy }) => formatMetric(accuracy)],
    // The mean of the sites' accuracies, each site counting the same.
    ...(hasSiteMean ? [['site mean', (round: RoundView) => formatMetric(round.meanSiteAccuracy)] as const] : []),
    ['received', ({ uploadBytes }) => formatBytes(uploadBytes)],
    ['time', ({ seconds }) => `${seconds.toFixed(2)} s`],
  ]
  return table(
    columns.map(([title]) => title),
    rounds.map((round) => columns.map(([, cell]) => cell(round))),
  )
}

/** The newest `most` dropouts, one to a line: a reason is too long for a column. */
function dropoutText(rounds: readonly RoundView[], most: number): string {
  const lines = rounds.flatMap(({ round, dropouts }) =>
    dropouts.map((dropout) => printable(dropoutLine(round, dropout))),
  )
  return lines.length === 0 ? '' : `\n${lines.slice(-most).join('\n')}\n`
}

function dropoutLine(round: number, { site, purpose, phase, reason }: RoundView['dropouts'][number]): string {
  return `round ${round}  ${site} dropped out (${purpose}, ${phaseWords(phase)}): ${reason}`
}

/** Under masks no one but a site itself knows its result. */
function finalTable(run: RunView): string {
  if (run.aggregation === 'secure') {
    const mean = run.rounds.findLast(({ meanSiteAccuracy }) => meanSiteAccuracy !== undefined)?.meanSiteAccuracy
    const known = mean === undefined ? '' : ` Accuracy, mean over the sites: ${formatMetric(mean)}.`
    return run.state === 'running' ? '' : `\nThe results of single sites stay at the sites.${known}\n`
  }
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
