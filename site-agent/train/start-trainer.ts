/**
 * The agent's end of a training process: spawns it, asks it one thing at a time, and turns its death into an error of
 * whoever was waiting.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type Clock, systemClock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import {
  checked,
  errorFrom,
  fromChildSchema,
  type Request,
  type Result,
  resultSchemas,
  type ToChild,
} from './messages.ts'
import type { StartTrainer, TrainCheckpoint, Trainer, TrainRequest } from './trainer.ts'

/** What JavaScript in the process may do: read files and load the two native libraries; neither write nor spawn. */
const leastPrivilege = ['--permission', '--allow-fs-read=*', '--allow-addons', '--disable-warning=SecurityWarning']
const outputLinesMax = 1000
const outputLineCharactersMax = 2000

/** How long a process that was told to stop its work may stay silent: a step of a large batch, but not for ever. */
const callOffMs = 60_000

export type TrainerOptions = {
  /** A line the process wrote to its standard output or error: for the log, at most 1000 of 2000 characters each. */
  readonly onOutput: (line: string) => void
  readonly clock: Clock
}

/** A {@link StartTrainer} whose processes' output goes to `onOutput`. */
export function trainerStarter({ onOutput, clock }: TrainerOptions): StartTrainer {
  return async ({ keys, siteConfigPath, manifest, graph, signal }) => {
    const channel = openChannel(spawnChild(onOutput), clock)
    try {
      const loaded = await channel.ask({ type: 'load', keys, siteConfigPath, manifest, graph }, { signal })
      const { testMarks, ...data } = loaded
      return trainerOver(channel, { data, testMarks })
    } catch (error) {
      await channel.close()
      throw error
    }
  }
}

/** With nowhere to log to. */
export const startTrainer: StartTrainer = trainerStarter({ onOutput: () => undefined, clock: systemClock })

function spawnChild(onOutput: (line: string) => void): ChildProcess {
  const child = spawn(process.execPath, [...leastPrivilege, join(import.meta.dirname, 'child.ts')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
    // Unless told not to, onnxruntime reports its use to its maker: past the link and the egress ledger.
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  })
  let lines = 0
  for (const stream of [child.stdout, child.stderr] as Readable[])
    createInterface({ input: stream }).on('line', (line) => {
      if (lines++ < outputLinesMax) onOutput(line.slice(0, outputLineCharactersMax))
    })
  return child
}

type Watch = Partial<Pick<TrainRequest, 'onProgress' | 'onCheckpoint' | 'signal'>>
type WithoutId<Message> = Message extends { id: number } ? Omit<Message, 'id'> : never
type Channel = {
  ask<Type extends Request['type']>(request: WithoutId<Request> & { type: Type }, watch?: Watch): Promise<Result<Type>>
  close(): Promise<void>
}

function trainerOver(channel: Channel, loaded: Pick<Trainer, 'data' | 'testMarks'>): Trainer {
  return {
    ...loaded,
    statistics: (watch) => channel.ask({ type: 'statistics' }, watch),
    train({ onProgress, onCheckpoint, signal, ...rest }) {
      const keeps = onCheckpoint !== undefined
      return channel.ask({ type: 'train', ...rest, keeps }, { onProgress, signal, ...(keeps && { onCheckpoint }) })
    },
    evaluate: ({ onProgress, signal, parameters, standardisation }) =>
      channel.ask({ type: 'evaluate', parameters, standardisation }, { onProgress, signal }),
    stop: () => channel.close(),
  }
}

type Waiting = {
  readonly type: Request['type']
  readonly onProgress: TrainRequest['onProgress'] | undefined
  /** Keeps a checkpoint and answers it. */
  readonly onCheckpoint: (checkpoint: TrainCheckpoint) => void
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Requests that were called off and have not ended yet: what cancels the deadline of each. */
type CalledOff = Map<number, () => void>

function openChannel(child: ChildProcess, clock: Clock): Channel {
  const waiting = new Map<number, Waiting>()
  const calledOff: CalledOff = new Map()
  const exited = once(child, 'exit').catch(() => undefined)
  let over: FederationError | undefined
  let lastId = 0

  const end = (error: FederationError) => {
    over ??= error
    for (const { reject } of waiting.values()) reject(over)
    waiting.clear()
    for (const cancelTimer of calledOff.values()) cancelTimer()
    calledOff.clear()
  }
  const hung = () => {
    end(failed('it did not stop its work when it was told to'))
    child.kill('SIGKILL')
  }
  const send = (message: ToChild) => {
    if (child.connected) child.send(message, () => undefined)
  }
  watchChild(child, waiting, calledOff, end)

  return {
    ask: async (request, { onProgress, onCheckpoint: keep, signal } = {}) => {
      if (over) throw over
      if (signal?.aborted) throw cancelled()
      lastId += 1
      const id = lastId
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const onAbort = () => {
        // The process ends its chunk and then reads this; whoever waits need not.
        send({ type: 'cancel', id })
        waiting.delete(id)
        calledOff.set(id, clock.setTimer(callOffMs, hung))
        reject(cancelled())
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const onCheckpoint = (checkpoint: TrainCheckpoint) => {
        keep?.(checkpoint).then((keepingMs) => send({ type: 'kept', id, keepingMs }))
      }
      waiting.set(id, { type: request.type, onProgress, onCheckpoint, resolve, reject })
      send({ ...request, id } as Request)
      try {
        return (await promise) as Result<typeof request.type>
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
    async close() {
      end(new FederationError('cancelled', 'the training process was stopped'))
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      if (child.connected) child.disconnect()
      // It holds nothing that needs saving, and inside a native call it would see the channel close only afterwards.
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Ends the channel when the process dies, cannot start or speaks gibberish. */
function watchChild(
  child: ChildProcess,
  waiting: Map<number, Waiting>,
  calledOff: CalledOff,
  end: (error: FederationError) => void,
): void {
  child.on('error', (cause) => end(failed(`it could not be started or spoken to: ${cause.message}`)))
  child.on('exit', (code, signal) => end(failed(signal ? `it was ended by ${signal}` : `it exited with code ${code}`)))
  child.on('message', (message) => {
    try {
      receive(message, waiting, calledOff)
    } catch (error) {
      end(error as FederationError)
      child.kill('SIGKILL')
    }
  })
}

/** Hands a message to whoever waits for it; what comes for a request called off meanwhile is dropped. */
function receive(raw: unknown, waiting: Map<number, Waiting>, calledOff: CalledOff): void {
  const message = checked(fromChildSchema, raw)
  if (message.type === 'result' || message.type === 'error') {
    calledOff.get(message.id)?.()
    calledOff.delete(message.id)
  }
  const waiter = waiting.get(message.id)
  if (!waiter) return
  if (message.type === 'progress') {
    waiter.onProgress?.(message.done, message.total)
    return
  }
  if (message.type === 'checkpoint') {
    waiter.onCheckpoint(message.checkpoint)
    return
  }
  if (message.type === 'error') waiter.reject(errorFrom(message))
  else waiter.resolve(checked(resultSchemas[waiter.type], message.value))
  waiting.delete(message.id)
}

function failed(what: string): FederationError {
  return new FederationError('trainer-failed', `the training process is gone: ${what}; see the agent's log`)
}

function cancelled(): FederationError {
  return new FederationError('cancelled', 'the work was called off')
}
