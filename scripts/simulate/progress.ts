/**
 * What a person sees of a run as it goes: one line per finished round, and on a terminal one more line below that shows
 * the round at work and is drawn over in place.
 */
import { contributorsText } from '@consilium/coordinator/cli/run-text.ts'
import type { RoundView, RunView } from '@consilium/coordinator/services.ts'

export type Progress = {
  /** A line that stays. */
  line(text: string): void
  /** The run as it now stands; prints the rounds that finished since the last call. */
  run(view: RunView): void
  /** Takes the line below away for good: what is still told of the run is not drawn. */
  end(): void
}

type Output = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number }

/** A terminal writes ^C behind the line; were there no room, the line would break and its first half would stay. */
const roomForInterrupt = 3

export function progressOn(output: Output): Progress {
  const live = output.isTTY === true
  let drawn = false
  let ended = false
  let printed = -1
  const erase = () => {
    if (drawn) output.write('\r\x1b[2K')
    drawn = false
  }
  const line = (text: string) => {
    erase()
    output.write(`${text}\n`)
  }
  return {
    line,
    run: (view) => {
      if (ended) return
      for (const round of finishedRounds(view).filter(({ round }) => round > printed)) {
        line(roundLine(round, view.roundsPlanned))
        printed = round.round
      }
      if (!live || !view.current) return
      erase()
      output.write(currentLine(view.current).slice(0, (output.columns ?? 80) - roomForInterrupt))
      drawn = true
    },
    end: () => {
      erase()
      ended = true
    },
  }
}

/** A round is printed once the run has gone beyond it, so that its evaluation is in. */
function finishedRounds({ rounds, current }: RunView): readonly RoundView[] {
  return current ? rounds.filter(({ round }) => round < current.round) : rounds
}

export function roundLine(round: RoundView, planned: number): string {
  const contributed = contributorsText(round)
  const sites = `${round.survivors.length} of ${round.cohort.length} sites${contributed && `, ${contributed}`}`
  const seconds = `${round.seconds.toFixed(2)} s`
  const dropouts = round.dropouts.map(
    ({ site, purpose, phase, reason }) => `  ${site} dropped out (${purpose}, ${phaseWords(phase)}): ${reason}`,
  )
  const digits = (value: number | undefined) => (value === undefined ? '    –' : value.toFixed(3))
  const width = String(planned).length
  const name = `round ${String(round.round).padStart(width)}/${planned}`
  const [subject, figures] =
    round.round === 0
      ? ['statistics', 'sums that standardise the features']
      : [name, `loss ${digits(round.loss)}   AUROC ${digits(round.auroc)}   accuracy ${digits(round.accuracy)}`]
  return [
    `${subject.padEnd(Math.max(name.length, 10))}   ${figures.padEnd(41)}   ${sites}   ${seconds}`,
    ...dropouts,
    ...(round.interrupted ?? []).map((text) => `  ${text}`),
    ...(round.withheld ? [`  ${round.withheld}`] : []),
  ].join('\n')
}

function phaseWords(phase: string): string {
  return phase.replaceAll('-', ' ')
}

function currentLine({ round, purpose, attempt, phase, sites, awaited }: NonNullable<RunView['current']>): string {
  const head = `  round ${round}, ${purpose}${attempt ? `, attempt ${attempt}` : ''}, ${phaseWords(phase)}`
  if (awaited && awaited.answers > 0) return `${head}: waits for ${awaited.answers} of ${awaited.sites.join(', ')}`
  const parts = sites.map(({ site, state, done, total }) => {
    const share = total > 0 && done < total ? ` ${Math.floor((100 * done) / total)} %` : ''
    return `${site} ${state}${share}`
  })
  return parts.length > 0 ? `${head}: ${parts.join(', ')}` : head
}
