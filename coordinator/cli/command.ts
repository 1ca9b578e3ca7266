/**
 * One invocation of a command as its action sees it, whoever parsed the words: global options resolved, output in one
 * place, so that `--json` always means one document.
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { printableLines } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import type { ExitCode } from './exit-codes.ts'
import { colored, type Terminal } from './output.ts'

export type CommandContext = {
  readonly terminal: Terminal
  readonly environment: NodeJS.ProcessEnv
  /** Asks the person at the terminal for one line; absent where nobody sits there. */
  readonly ask?: ((question: string) => Promise<string>) | undefined
  /** Aborts on Ctrl-C; a command that never asks for it is ended by Ctrl-C at once. */
  readonly interrupted: AbortSignal
  /** Takes the exit code of an action that ends with one other than 0. */
  exit(code: ExitCode): void
}

export type Invocation<Options> = {
  readonly args: readonly string[]
  readonly options: Options
  /** The coordinator's home folder, absolute. */
  readonly home: string
  readonly json: boolean
  readonly terminal: Terminal
  readonly interrupted: AbortSignal
  readonly ask?: ((question: string) => Promise<string>) | undefined
  /** Prints `value` as one JSON document with `--json`, else `text`. */
  print(value: unknown, text: () => string): void
  /** Tells what must not be missed on standard error, in red where the terminal has colours; nothing with `--json`. */
  alarm(text: string): void
}

export type Action<Options> = (invocation: Invocation<Options>) => Promise<ExitCode> | Promise<void>

/** Makes commander's callback of an action. */
export function action<Options = Record<never, never>>(context: CommandContext, run: Action<Options>) {
  return async (...parameters: unknown[]): Promise<void> => {
    const command = parameters.at(-1) as Command
    const { home, json } = command.optsWithGlobals<{ readonly home?: string; readonly json?: boolean }>()
    const { terminal } = context
    const code = await run({
      args: command.args,
      options: command.opts() as Options,
      home: homeFolder(home, context.environment),
      json: json === true,
      terminal,
      ask: json ? undefined : context.ask,
      get interrupted() {
        return context.interrupted
      },
      alarm: (text) => {
        const lines = printableLines(text)
        if (!json) terminal.writeError(`${colored(terminal, 'red', lines)}\n`)
      },
      print: (value, text) => terminal.write(json ? `${JSON.stringify(value)}\n` : text()),
    })
    if (code) context.exit(code)
  }
}

/** `--home`, else CONSILIUM_HOME, else ~/.consilium. */
function homeFolder(option: string | undefined, environment: NodeJS.ProcessEnv): string {
  return resolve(option ?? (environment.CONSILIUM_HOME || join(homedir(), '.consilium')))
}

/** Help text that follows a command's options. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
