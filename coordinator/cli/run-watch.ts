/**
 * Follows a run until it ends: redrawn in place on a terminal, one line for each change elsewhere, NDJSON with `--json`.
 * A coordinator that goes away is dialled again until it is back.
 */
import { type Clock, systemClock } from '@consilium/protos/clock.ts'
import { errorCode } from '@consilium/protos/errors.ts'
import type { RunView } from '../services.ts'
import type { AdminClient } from './admin-client.ts'
import type { Invocation } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import type { Terminal } from './output.ts'
import { liveView, newLines } from './run-text.ts'

type Watching = Pick<Invocation<unknown>, 'json' | 'terminal' | 'interrupted'>

const retryMs = 1000

/**
 * Resolves when the run has ended (1 where it did not finish) or on Ctrl-C, which leaves the run going. `connect` dials
 * the coordinator, each time anew: its port may be another after a restart. Rejects where it never answered.
 */
export async function watchRun(
  connect: () => Promise<Pick<AdminClient, 'watchRun' | 'close'>>,
  run: string,
  { json, terminal, interrupted }: Watching,
  clock: Clock = systemClock,
): Promise<ExitCode> {
  const screen = json ? jsonLines(terminal) : terminal.isLive ? redrawn(terminal) : textLines(terminal)
  let last: RunView | undefined
  let isCut = false
  for (;;) {
    try {
      for await (const view of views(connect, run, interrupted)) {
        screen.show(view)
        last = view
        isCut = false
      }
    } catch (error) {
      if (!last || errorCode(error) !== 'link-down') throw error
    }
    if (last && last.state !== 'running') return last.state === 'finished' ? exitCodes.ok : exitCodes.failure
    if (interrupted.aborted) {
      if (!json) screen.say(`stopped watching; the run goes on: consilium run watch ${run}`)
      return exitCodes.interrupted
    }
    if (!isCut) screen.say('the coordinator does not answer; dialling it until it is back (Ctrl-C stops watching)')
    isCut = true
    await delay(clock, retryMs, interrupted)
  }
}

async function* views(connect: Parameters<typeof watchRun>[0], run: string, interrupted: AbortSignal) {
  if (interrupted.aborted) return
  const admin = await connect()
  try {
    yield* admin.watchRun(run, interrupted)
  } finally {
    admin.close()
  }
}

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
function delay(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = clock.setTimer(delayMs, resolve)
  const stop = () => {
    cancel()
    resolve()
  }
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  return promise.finally(() => signal.removeEventListener('abort', stop))
}

type Screen = { show(view: RunView): void; say(text: string): void }

function jsonLines(terminal: Terminal): Screen {
  return {
    show: (view) => terminal.write(`${JSON.stringify(view)}\n`),
    say: (text) => terminal.writeError(`${text}\n`),
  }
}

function textLines(terminal: Terminal): Screen {
  let last: RunView | undefined
  return {
    show(view) {
      for (const line of newLines(last, view)) terminal.write(`${line}\n`)
      last = view
    },
    say: (text) => terminal.writeError(`${text}\n`),
  }
}

function redrawn(terminal: Terminal): Screen {
  let linesDrawn = 0
  return {
    show(view) {
      const text = fitted(liveView(view, terminal), terminal, view.state === 'running')
      terminal.write(`${linesDrawn > 0 ? `\u001b[${linesDrawn}A\u001b[J` : ''}${text}`)
      linesDrawn = text.split('\n').length - 1
    },
    say(text) {
      terminal.writeError(`${text}\n`)
      linesDrawn = 0
    },
  }
}

/**
 * No line longer than the terminal is wide: a wrapped one would spoil the redrawing. Neither would it work with more
 * lines than the terminal shows, for the cursor cannot go up to those; what is drawn last may have any number and length.
 */
function fitted(text: string, { columns, rows }: Terminal, isRedrawn: boolean): string {
  if (!isRedrawn) return text
  const lines = text.split('\n').map((line) => line.slice(0, columns))
  const linesMax = Math.max(1, rows - 1)
  return lines.length - 1 > linesMax ? `${lines.slice(0, linesMax).join('\n')}\n` : lines.join('\n')
}
