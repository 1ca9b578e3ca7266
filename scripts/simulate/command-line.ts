/** What `simulate` and `demo` share at their edge: usage, exit codes, Ctrl-C, and where words and figures go. */
import { relative } from 'node:path'
import { type ErrorCode, errorCode, errorMessage, FederationError, refusedBySystem } from '@consilium/protos/errors.ts'
import { measured, modelInputs, type Report, summaryOf } from './report.ts'

export const exitCodes = { finished: 0, failed: 1, usage: 2, interrupted: 130 } as const

const usageErrors: ReadonlySet<ErrorCode> = new Set([
  'invalid-argument',
  'invalid-study',
  'invalid-site-config',
  'cohort-too-small',
  'invalid-onnx',
  'operator-refused',
  'no-gradient',
  'shape-mismatch',
])

/** Runs a command until it ends or a signal asks it to; sets the exit code and writes errors to standard error. */
export async function runCommand(
  usage: string,
  command: (args: string[], signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage)
    return
  }
  const interrupted = new AbortController()
  // They stay to the end: Ctrl-C may come twice, from the terminal and through whoever started this process.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())
  try {
    await command(args, interrupted.signal)
  } catch (error) {
    process.exitCode = exitCodeOf(error, interrupted.signal)
    process.stderr.write(`${interrupted.signal.aborted ? 'Interrupted: every process was ended.' : messageOf(error)}\n`)
    if (isWrongOption(error)) process.stderr.write(`\n${usage}`)
  }
}

/** Figures to standard output where a script asked for them; the words for people to standard error then. */
export function printReport(report: Report, out: string, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify(summaryOf(report))}\n`)
  const words = json ? process.stderr : process.stdout
  const here = (name: string) => relative(process.cwd(), `${out}/${name}`) || name
  words.write(`
${report.synthetic ? 'SYNTHETIC DATA: these figures say nothing about medicine.\n' : ''}${finalFigures(report)}, after ${report.rounds.length} rounds${report.subset && `, ${report.subset},`} in ${report.seconds.toFixed(1)} s${gapOf(report)}
  report   ${here('report.html')}
  model    ${here('model.onnx')}   (${modelInputs(report)}; SHA-256 ${report.model.sha256.slice(0, 16)}...)
  log      verified, head ${report.logHead.slice(0, 16)}...
  audit    ${here('audit.jsonl')}   (verified against roster.yaml beside it)
`)
}

/** Said beside the figures, which are none then. */
function gapOf({ rounds }: Report): string {
  const gap = rounds.at(-1)?.withheld
  return gap === undefined ? '' : `\nThe last model was not evaluated: ${gap}`
}

function finalFigures(report: Report): string {
  const { auroc, accuracy } = measured(report)
  const digits = (value: number | null | undefined) => value?.toFixed(3) ?? 'not known'
  const { final } = report
  const figures = [
    auroc ? `AUROC ${digits(final.auroc)}` : `loss ${digits(report.rounds.at(-1)?.loss)}`,
    ...(accuracy ? [`accuracy ${digits(final.accuracy)}`] : []),
  ]
  const mean = accuracy ? `, accuracy ${digits(final.meanSiteAccuracy)} as the mean over the sites` : ''
  return `${figures.join(' and ')} over all test rows${mean}`
}

/** What went wrong; for what nobody foresaw, where too. */
function messageOf(error: unknown): string {
  const foreseen = error instanceof FederationError || isWrongOption(error) || refusedBySystem(error)
  return foreseen || !(error instanceof Error) ? errorMessage(error) : (error.stack ?? error.message)
}

function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (signal.aborted) return exitCodes.interrupted
  return isWrongOption(error) || usageErrors.has(errorCode(error)) ? exitCodes.usage : exitCodes.failed
}

/** From node:util's parseArgs. */
function isWrongOption(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}
