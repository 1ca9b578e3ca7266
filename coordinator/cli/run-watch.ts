/**
 * Follows a run until it ends: redrawn in place on a terminal, one line for each change elsewhere, NDJSON with `--json`.
 */
import type { RunView } from '../services.ts'
import type { AdminClient } from './admin-client.ts'
import type { Invocation } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { liveView, newLines } from './run-text.ts'

type Watching = Pick<Invocation<unknown>, 'json' | 'terminal' | 'interrupted'>

/** Resolves when the run has ended (1 where it did not finish) or on Ctrl-C, which leaves the run going. */
export async function watchRun(
  admin: AdminClient,
  run: string,
  { json, terminal, interrupted }: Watching,
): Promise<ExitCode> {
  let last: RunView | undefined
  let linesDrawn = 0
  for await (const view of admin.watchRun(run, interrupted)) {
    if (json) terminal.write(`${JSON.stringify(view)}\n`)
    else if (terminal.isLive) {
      const text = fitted(liveView(view, terminal), terminal.columns)
      terminal.write(`${linesDrawn > 0 ? `\u001b[${linesDrawn}A\u001b[J` : ''}${text}`)
      linesDrawn = text.split('\n').length - 1
    } else for (const line of newLines(last, view)) terminal.write(`${line}\n`)
    last = view
  }
  if (!last || last.state === 'running') {
    if (!interrupted.aborted) return exitCodes.failure
    if (!json) terminal.writeError(`stopped watching; the run goes on: consilium run watch ${run}\n`)
    return exitCodes.interrupted
  }
  return last.state === 'finished' ? exitCodes.ok : exitCodes.failure
}

/** No line longer than the terminal is wide: a wrapped one would spoil the redrawing. */
function fitted(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => line.slice(0, columns))
    .join('\n')
}
