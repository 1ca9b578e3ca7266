/**
 * The training process: one study, served over the IPC channel of the agent that spawned it. It ends when that channel
 * closes, so no agent leaves one behind, however it dies.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { openLocalTrainer } from './local-trainer.ts'
import { checked, errorMessageFor, type FromChild, type Request, toChildSchema } from './messages.ts'
import type { TrainCheckpoint, Trainer } from './trainer.ts'

const running = new Map<number, AbortController>()
/** Checkpoints that the agent keeps just now, by request. */
const keeping = new Map<number, (keepingMs: number) => void>()
let trainer: Trainer | undefined
/** Requests are served one after the other. */
let last: Promise<void> = Promise.resolve()

process.on('disconnect', () => process.exit(0))
// A terminal's Ctrl-C reaches the whole process group; the agent decides when its training ends.
process.on('SIGINT', () => undefined)
process.on('message', (message) => {
  const request = checked(toChildSchema, message)
  if (request.type === 'cancel') return running.get(request.id)?.abort()
  if (request.type === 'kept') return keeping.get(request.id)?.(request.keepingMs)
  const controller = new AbortController()
  running.set(request.id, controller)
  last = last.then(() => answer(request, controller.signal))
})

async function answer(request: Request, signal: AbortSignal): Promise<void> {
  const { id } = request
  try {
    if (signal.aborted) throw new FederationError('cancelled', 'called off before it began')
    send({ type: 'result', id, value: await serve(request, signal) })
  } catch (error) {
    // Where it failed, for the agent's log; what it says may quote a value, so that stays here.
    if (!(error instanceof FederationError) && error instanceof Error)
      console.error(
        error.stack
          ?.split('\n')
          .filter((line) => /^\s+at /.test(line))
          .join('\n'),
      )
    send(errorMessageFor(id, error))
  } finally {
    running.delete(id)
    keeping.delete(id)
  }
}

async function serve(request: Request, signal: AbortSignal): Promise<unknown> {
  if (request.type === 'load') {
    trainer = await openLocalTrainer({ ...request, now: () => performance.now() })
    const { data, testMarks } = trainer
    return { ...data, testMarks }
  }
  if (!trainer) throw new FederationError('trainer-failed', 'no study is loaded')
  const onProgress = (done: number, total: number) => send({ type: 'progress', id: request.id, done, total })
  if (request.type === 'statistics') return trainer.statistics({ onProgress, signal })
  const { parameters, standardisation } = request
  const given = { parameters, ...(standardisation && { standardisation }), onProgress, signal }
  if (request.type === 'evaluate') return trainer.evaluate(given)
  const { round, from, keeps } = request
  const kept = keeps && { onCheckpoint: (checkpoint: TrainCheckpoint) => keep(request.id, checkpoint, signal) }
  return trainer.train({ ...given, round, ...(from && { from }), ...kept })
}

/** Training stands still meanwhile: while it runs, this process sends next to nothing, and progress would wait as well. */
async function keep(id: number, checkpoint: TrainCheckpoint, signal: AbortSignal): Promise<number> {
  const startMs = performance.now()
  const { promise, resolve } = Promise.withResolvers<number>()
  keeping.set(id, resolve)
  // The agent answers nothing that it has called off.
  const give = () => resolve(0)
  signal.addEventListener('abort', give)
  send({ type: 'checkpoint', id, checkpoint })
  const keepingMs = await promise
  signal.removeEventListener('abort', give)
  return Math.max(keepingMs, performance.now() - startMs)
}

function send(message: FromChild): void {
  process.send?.(message)
}
