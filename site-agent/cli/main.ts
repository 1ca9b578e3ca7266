/**
 * The `site-agent` command line: the way of a hospital's IT to the agent. This file knows the table of commands and turns
 * errors into exit codes; each command has its own file, which loads what it needs only when it runs.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { printableLines } from '@consilium/protos/plain-text.ts'
import { Command, CommanderError } from 'commander'
import { faultOf } from '../fault.ts'
import agentPackage from '../package.json' with { type: 'json' }
import { addCheckCommand } from './check.ts'
import type { CommandContext } from './command.ts'
import { addCoordinatorCommands } from './coordinator.ts'
import { addEgressCommand } from './egress.ts'
import { exitCodeMeanings, exitCodeOf, exitCodes } from './exit-codes.ts'
import { addJoinCommand } from './join.ts'
import { processTerminal, type Terminal } from './output.ts'
import { addRecoverCommand } from './recover.ts'
import { addRosterCommands } from './roster.ts'
import { addRunCommand } from './run.ts'
import { addStatusCommand } from './status.ts'
import { addStudyCommands } from './study.ts'

export type MainOptions = {
  readonly terminal?: Terminal
  readonly readInput?: () => Promise<string>
  readonly ask?: (question: string) => Promise<string>
  readonly interrupted?: AbortSignal
}

/** Runs one command line (without the program's name); resolves with the exit code and never rejects. */
export async function main(args: readonly string[], options: MainOptions = {}): Promise<number> {
  const terminal = options.terminal ?? processTerminal()
  let interrupted = options.interrupted
  try {
    const context: CommandContext = {
      terminal,
      readInput: options.readInput ?? readStandardInput,
      ask: options.ask ?? (terminal.isLive && process.stdin.isTTY ? askPerson : undefined),
      get interrupted() {
        interrupted ??= interruptSignal()
        return interrupted
      },
    }
    await program(context).parseAsync([...args], { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    return reportError(error, terminal, args.includes('--json'))
  }
}

function program(context: CommandContext): Command {
  const { terminal } = context
  const root = new Command('site-agent')
    .description("A hospital's agent: trains studies this site approved, on data that stay here.")
    .version(agentPackage.version)
    .option('--site <folder>', 'folder with site.yaml (and policy.yaml); default: the current folder')
    .option('--state <folder>', 'folder for keys, database and outbox; default: state in the site folder')
    .option('--json', 'print one JSON document and nothing else (run: one event a line)')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(terminal.columns, 120) })
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeError(text),
      outputError: () => {},
    })
  addJoinCommand(root, context)
  addRunCommand(root, context)
  addStudyCommands(root, context)
  addRosterCommands(root, context)
  addCheckCommand(root, context)
  addStatusCommand(root, context)
  addEgressCommand(root, context)
  addRecoverCommand(root, context)
  addCoordinatorCommands(root, context)
  return root.addHelpText('after', afterHelp)
}

const afterHelp = `
From a join code to the first round:
  $ site-agent join - < code.txt           once, with the code from the federation's operator
  $ site-agent run                         in a terminal or as a service
  $ site-agent roster list                 the other sites' keys; compare them out of band, then
  $ site-agent roster approve basel SHA256:...
  $ site-agent study list
  $ site-agent study show heart-disease    what it would compute, what would leave, how often
  $ site-agent study approve heart-disease
  $ site-agent egress --verify             what has left

Exit codes:
${exitCodeMeanings.map(([code, meaning]) => `  ${code}  ${meaning}`).join('\n')}

Errors go to standard error as "error[code]: message", with --json as {"error":{"code","message"}}.`

function reportError(error: unknown, terminal: Terminal, json: boolean): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return exitCodes.ok
    // Without a sub-command commander has printed the help already.
    if (error.code !== 'commander.help')
      writeError(
        terminal,
        json,
        'invalid-argument',
        `${error.message.replace(/^error: /, '').replaceAll('\n', ' ')} (see site-agent --help)`,
      )
    return exitCodes.usage
  }
  const { code, message } = faultOf(error)
  writeError(terminal, json, code, message)
  return exitCodeOf(code)
}

function writeError(terminal: Terminal, json: boolean, code: string, message: string): void {
  const text = json ? JSON.stringify({ error: { code, message } }) : printableLines(`error[${code}]: ${message}`)
  terminal.writeError(`${text}\n`)
}

/**
 * Aborts at the first SIGINT or SIGTERM. The third ends the process at once: the second may be the first one again,
 * passed on by the process that started this one on Node 24.
 */
function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  let signals = 0
  const onSignal = () => {
    signals += 1
    if (signals > 2) process.exit(exitCodes.failure)
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  return controller.signal
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

const inputBytesMax = 64 * 1024

async function readStandardInput(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk
    if (text.length > inputBytesMax) throw new FederationError('limit-exceeded', 'standard input is too long')
  }
  return text
}
