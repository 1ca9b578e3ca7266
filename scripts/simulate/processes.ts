/**
 * The processes of a simulated federation: each on this Node, its output in a log file, and none left behind. One that
 * ends on its own is a failure that names its log and shows the last lines of it.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { FederationError } from '@consilium/protos/errors.ts'

export type ProcessOptions = {
  /** Who it is, in messages and as the name of its log: `coordinator`, a site's name. */
  readonly name: string
  readonly args: readonly string[]
  /** Written to its standard input, which is then closed. */
  readonly input?: string
  /** Called with every line it prints, standard output and error alike. */
  readonly onLine?: (line: string) => void
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

type Running = {
  readonly options: ProcessOptions
  readonly child: Child
  readonly logPath: string
  readonly lastLines: string[]
  readonly exited: Promise<number | null>
  /** Ended on purpose: that is no failure. */
  killed: boolean
}

const lastLinesMax = 15

/** Every process started here ends with {@link ProcessGroup.stop}, or with this process. */
export class ProcessGroup {
  readonly #logFolder: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #running = new Set<Running>()
  readonly #failed = Promise.withResolvers<never>()
  readonly #killAll = () => {
    for (const { child } of this.#running) signalGroup(child, 'SIGKILL')
  }
  #stopping = false

  constructor(logFolder: string, environment: NodeJS.ProcessEnv = process.env) {
    this.#logFolder = logFolder
    this.#environment = environment
    this.#failed.promise.catch(() => undefined)
    process.on('exit', this.#killAll)
  }

  /** Rejects with `internal` once a process that should go on has ended. */
  get failure(): Promise<never> {
    return this.#failed.promise
  }

  /** Starts a process that should run until it is stopped. */
  start(options: ProcessOptions): void {
    const running = this.#spawn(options)
    void running.exited.then(() => {
      if (!this.#stopping && !running.killed) this.#failed.reject(failureOf(running, 'ended while it was needed'))
    })
  }

  /** kill -9 of the process of this name and all it started; resolves once it is gone. */
  async kill(name: string): Promise<void> {
    for (const running of this.#running) {
      if (running.options.name !== name) continue
      running.killed = true
      signalGroup(running.child, 'SIGKILL')
      await running.exited
    }
  }

  /** Runs a process to its end; rejects with `internal` unless it ends with 0. */
  async run(options: ProcessOptions): Promise<void> {
    const running = this.#spawn(options)
    const code = await running.exited
    if (code !== 0) throw failureOf(running, `ended with ${code === null ? 'a signal' : `exit code ${code}`}`)
  }

  /** Process ids of those that run, by name. */
  get ids(): ReadonlyMap<string, number> {
    return new Map([...this.#running].flatMap(({ options, child }) => (child.pid ? [[options.name, child.pid]] : [])))
  }

  /** Asks every process to end, and ends those that have not after `graceMs`. */
  async stop(graceMs = 5000): Promise<void> {
    this.#stopping = true
    const running = [...this.#running]
    for (const { child } of running) child.kill('SIGTERM')
    const deadline = setTimeout(this.#killAll, graceMs)
    await Promise.all(running.map(({ exited }) => exited))
    clearTimeout(deadline)
    process.off('exit', this.#killAll)
  }

  #spawn(options: ProcessOptions): Running {
    if (this.#stopping)
      throw new FederationError('cancelled', `${options.name} is not started: everything is being ended`)
    const logPath = join(this.#logFolder, `${options.name}.log`)
    // A group of its own: Ctrl-C reaches this process, which then ends the others in order.
    const child: Child = spawn(process.execPath, options.args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      env: this.#environment,
    })
    const log = createWriteStream(logPath, { flags: 'a' })
    const lastLines: string[] = []
    const readers = [child.stdout, child.stderr].map((stream) => {
      const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
      lines.on('line', (line) => {
        log.write(`${line}\n`)
        if (lastLines.push(line) > lastLinesMax) lastLines.shift()
        options.onLine?.(line)
      })
      return once(lines, 'close')
    })
    // A process that ends before it has read its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
    const exited = exitCodeOf(child).then(async (code) => {
      // What it started and left behind would hold its output open.
      signalGroup(child, 'SIGKILL')
      await Promise.all(readers)
      log.end()
      this.#running.delete(running)
      return code
    })
    const running: Running = { options, child, logPath, lastLines, exited, killed: false }
    this.#running.add(running)
    return running
  }
}

/** Signals a process and all it started; where there are no process groups, only itself. */
function signalGroup(child: Child, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The exit code; null where a signal ended it or it could not be started. */
function exitCodeOf(child: Child): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', resolve)
    child.once('error', () => resolve(null))
  })
}

function failureOf({ options, logPath, lastLines }: Running, what: string): FederationError {
  const shown =
    lastLines.length === 0 ? '' : `; its last lines:\n${lastLines.map((line) => `  | ${line}`).join('\n')}\n`
  return new FederationError('internal', `${options.name} ${what}${shown}\nIts log: ${logPath}`)
}
