/**
 * One invocation of a command as its action sees it: folders resolved, output in one place, so that `--json` always
 * means one document. What an action opens through it is closed when it ends.
 */
import { printableLines } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { type Folders, resolveFolders } from '../config.ts'
import { alarming, type Terminal } from './output.ts'

export type CommandContext = {
  readonly terminal: Terminal
  /** Standard input as text. */
  readonly readInput: () => Promise<string>
  /** Asks the person at the terminal for one line; absent where nobody sits there. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
  /** Aborts on SIGINT or SIGTERM; a command that never asks for it is ended by them at once. */
  readonly interrupted: AbortSignal
}

export type Invocation<Options> = Folders & {
  readonly args: readonly string[]
  readonly options: Options
  readonly json: boolean
  readonly terminal: Terminal
  readonly readInput: () => Promise<string>
  readonly ask?: ((question: string) => Promise<string>) | undefined
  readonly interrupted: AbortSignal
  /** Prints `value` as one JSON document with `--json`, else `text`. */
  print(value: unknown, text: () => string): void
  /** Tells people something beside the output; nothing with `--json`. */
  remark(text: string): void
  /** Shows what must not be missed, in red where the terminal has colours; nothing with `--json`. */
  alarm(text: string): void
}

export type Action<Options> = (invocation: Invocation<Options>) => Promise<void>

type GlobalOptions = { readonly site?: string; readonly state?: string; readonly json?: boolean }

/** Makes commander's callback of an action. */
export function action<Options = Record<never, never>>(context: CommandContext, run: Action<Options>) {
  return async (...parameters: unknown[]): Promise<void> => {
    const command = parameters.at(-1) as Command
    const { site, state, json = false } = command.optsWithGlobals<GlobalOptions>()
    const { terminal, readInput, ask } = context
    await run({
      ...resolveFolders({ ...(site && { site }), ...(state && { state }) }),
      args: command.args,
      options: command.opts() as Options,
      json,
      terminal,
      readInput,
      ask: json ? undefined : ask,
      get interrupted() {
        return context.interrupted
      },
      print: (value, text) => terminal.write(json ? `${JSON.stringify(value)}\n` : printableLines(text())),
      remark: (text) => {
        if (!json) terminal.writeError(`${printableLines(text)}\n`)
      },
      alarm: (text) => {
        if (!json) terminal.write(`${alarming(terminal, printableLines(text))}\n`)
      },
    })
  }
}

/** Help text that follows a command's options. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
