/** How `site-agent run` shows its events: NDJSON, or log lines with one live line of progress below them on a terminal. */
import { printable } from '@consilium/protos/plain-text.ts'
import type { Logger } from 'pino'
import { describeEvent, logEvent } from '../log.ts'
import type { AgentEvent } from '../round/events.ts'
import type { Terminal } from './output.ts'

export function eventPrinter(options: {
  readonly json: boolean
  readonly terminal: Terminal
  readonly log: Logger
}): (event: AgentEvent) => void {
  const { json, terminal, log } = options
  if (json)
    return (event) => {
      terminal.write(`${JSON.stringify(event)}\n`)
      logEvent(log, event)
    }
  let shown = 0
  const redraw = (text: string) => {
    terminal.write(`\r${text.padEnd(shown)}`)
    shown = text.length
  }
  return (event) => {
    const moves = event.type === 'progress' || event.type === 'uploading'
    if (terminal.isLive && moves) redraw(printable(describeEvent(event)).slice(0, terminal.columns - 1))
    else if (terminal.isLive && shown > 0) {
      // The live line makes room for the log line, which may go to the same terminal.
      redraw('')
      terminal.write('\r')
    }
    logEvent(log, event)
  }
}
