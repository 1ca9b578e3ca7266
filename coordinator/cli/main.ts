/**
 * The `consilium` command line: the operator's and the research lead's way to the coordinator. This file knows the table
 * of command groups, turns errors into exit codes, and nothing else; each group has its own file, which loads what it
 * needs only when one of its commands runs.
 */
import { FederationError, refusedBySystem } from '@consilium/protos/errors.ts'
import { printableLines } from '@consilium/protos/plain-text.ts'
import { Command, CommanderError } from 'commander'
import coordinatorPackage from '../package.json' with { type: 'json' }
import type { CommandContext } from './command.ts'
import { exitCodeMeanings, exitCodeOf, exitCodes } from './exit-codes.ts'
import { addKeyCommands } from './key.ts'
import { addLeadCommands } from './lead.ts'
import { addLogCommands } from './log.ts'
import { processTerminal, type Terminal } from './output.ts'
import { addRecoverCommands } from './recover.ts'
import { addRunCommands } from './run.ts'
import { addServeCommand } from './serve.ts'
import { addSiteCommands } from './site.ts'
import { addStudyCommands } from './study.ts'

export type MainOptions = {
  readonly terminal?: Terminal
  readonly environment?: NodeJS.ProcessEnv
  readonly interrupted?: AbortSignal
  readonly ask?: (question: string) => Promise<string>
}

/** Runs one command line (without the program's name); resolves with the exit code and never rejects. */
export async function main(args: readonly string[], options: MainOptions = {}): Promise<number> {
  const environment = options.environment ?? process.env
  const terminal = options.terminal ?? processTerminal(environment)
  let interrupted = options.interrupted
  let exitCode: number = exitCodes.ok
  const exit = (code: number) => {
    exitCode = code
  }
  try {
    const context: CommandContext = {
      terminal,
      environment,
      exit,
      ask: options.ask ?? (terminal.isLive && process.stdin.isTTY ? askPerson : undefined),
      get interrupted() {
        interrupted ??= interruptSignal()
        return interrupted
      },
    }
    await program(context).parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    return reportError(error, terminal, args.includes('--json'))
  }
}

function program(context: CommandContext): Command {
  const { terminal } = context
  const root = new Command('consilium')
    .description('Federated learning among hospitals: the records stay home, encrypted model updates travel.')
    .version(coordinatorPackage.version)
    .option('--home <folder>', 'home folder of the coordinator (or CONSILIUM_HOME; default ~/.consilium)')
    .option('--json', 'print one JSON document and nothing else')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(terminal.columns, 120) })
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeError(text),
      outputError: () => {},
    })
  addServeCommand(root, context)
  addSiteCommands(root, context)
  addKeyCommands(root, context)
  addLeadCommands(root, context)
  addStudyCommands(root, context)
  addRunCommands(root, context)
  addLogCommands(root, context)
  addRecoverCommands(root, context)
  return root.addHelpText('after', afterHelp)
}

const afterHelp = `
From nothing to a model:
  $ consilium serve                                    the coordinator, in a terminal of its own
  $ consilium site add basel                           prints the join code for one hospital
  $ consilium lead create lead-key.json                the key with which studies are signed
  $ consilium study create study.yaml --key lead-key.json
  $ consilium run start heart-disease --watch
  $ consilium run export <run> --out model.onnx
  $ consilium log verify

Exit codes:
${exitCodeMeanings.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}

Errors go to standard error as "error[code]: message", with --json as {"error":{"code","message"}}.`

function reportError(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok
    // Without a sub-command commander has printed the help already.
    if (error.code !== 'commander.help')
      writeError(terminal, json, 'invalid-argument', `${error.message.replace(/^error: /, '')} (see consilium --help)`)
    return exitCodes.usage
  }
  const known = error instanceof FederationError ? error : refusedBySystem(error)
  if (known) {
    writeError(terminal, json, known.code, known.message)
    return exitCodeOf(known.code)
  }
  writeError(terminal, json, 'internal', error instanceof Error ? (error.stack ?? error.message) : String(error))
  return exitCodes.failure
}

function writeError(terminal: Terminal, json: boolean, code: string, message: string): void {
  const text = json ? JSON.stringify({ error: { code, message } }) : printableLines(`error[${code}]: ${message}`)
  terminal.writeError(`${text}\n`)
}

async function askPerson(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return await lines.question(question)
  } catch {
    // Ctrl-C, or the terminal is gone: no answer is no.
    return ''
  } finally {
    lines.close()
  }
}

/**
 * Aborts at the first Ctrl-C (or SIGTERM). The third ends the process at once: the second may be the first one again,
 * passed on by the process that started this one on Node 24.
 */
function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  let signals = 0
  const onSignal = () => {
    signals += 1
    if (signals > 2) process.exit(exitCodes.interrupted)
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  return controller.signal
}
