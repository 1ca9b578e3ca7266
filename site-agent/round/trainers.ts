/**
 * One trainer for each study that is worked on: started when first needed, kept for the rounds that follow, started
 * again once after a crash of its process. Tasks of one study run one after the other.
 */
import { errorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { studyKeys } from '../data/study-keys.ts'
import type { SiteStore } from '../store/site-store.ts'
import type { DataSummary, StartTrainer, Trainer } from '../train/trainer.ts'
import type { NamedStudy } from './assignment.ts'
import { isCalledOff } from './called-off.ts'
import type { AgentEvent } from './events.ts'
import { type FetchObject, graphOf } from './fetch-object.ts'
import { refusalOf } from './refuse.ts'

export type Trainers = {
  /** Runs `task` with the study's trainer; a second `trainer-failed` in succession is the caller's. */
  use<T>(study: NamedStudy, signal: AbortSignal, task: (trainer: Trainer) => Promise<T>): Promise<T>
  /** Ends the study's trainer once its tasks are through. */
  release(study: Sha256): Promise<void>
  /** Ends every trainer now; what is running rejects. */
  stop(): Promise<void>
}

/** Trainers of this site: the forward graph comes over the link once, and what each start finds in the data is kept. */
export function openSiteTrainers(options: {
  /** The site's: its rows are split and ordered by it. */
  readonly secret: Uint8Array
  /** Absolute path of `site.yaml`. */
  readonly siteConfigPath: string
  readonly startTrainer: StartTrainer
  readonly store: Pick<SiteStore, 'records' | 'testRows'>
  /** Throws where this site lets no study have so few rows; see `judge.ts`. */
  readonly checkRows: (study: NamedStudy, data: DataSummary) => void
  readonly fetchObject: FetchObject
  readonly emit: (event: AgentEvent) => void
}): Trainers {
  const { secret, siteConfigPath, startTrainer, store, emit } = options
  return openTrainers({
    async start(named, signal) {
      const { hash: study, manifest } = named
      const graph = await options.fetchObject(graphOf(named), signal)
      let found: DataSummary | undefined
      try {
        const trainer = await startTrainer({
          keys: studyKeys(secret, study, manifest.study),
          siteConfigPath,
          manifest,
          graph,
          signal,
        })
        found = trainer.data
        try {
          options.checkRows(named, found)
        } catch (error) {
          await trainer.stop()
          throw error
        }
        store.records.dataChecked({ study, summary: trainer.data })
        store.testRows.loaded(study, trainer.testMarks)
        emit({ type: 'data-checked', study, name: manifest.study.name, ...trainer.data })
        return trainer
      } catch (error) {
        if (isCalledOff(error, signal)) throw error
        const { code, reason } = refusalOf(error)
        store.records.dataChecked({ study, failure: { code, message: reason }, ...(found && { found }) })
        throw error
      }
    },
    onRestart: (study, reason) => emit({ type: 'trainer-restarted', study, reason }),
  })
}

/** Rejects with `cancelled` as soon as the signal aborts, whether or not the promise ever settles. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new FederationError('cancelled', 'the work was called off'))
    signal.addEventListener('abort', cancel, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel))
  })
}

export function openTrainers(options: {
  /** Fetches the forward graph where it is not here yet and starts a trainer with it. */
  readonly start: (study: NamedStudy, signal: AbortSignal) => Promise<Trainer>
  readonly onRestart: (study: Sha256, reason: string) => void
}): Trainers {
  const running = new Map<Sha256, { readonly trainer: Promise<Trainer>; readonly starting: AbortController }>()
  const queues = new Map<Sha256, Promise<unknown>>()
  let stopped = false

  /** A start goes on when the round that asked for it is over: the next one needs it too. */
  function trainerOf(study: NamedStudy): Promise<Trainer> {
    const existing = running.get(study.hash)
    if (existing) return existing.trainer
    const starting = new AbortController()
    const started = { trainer: options.start(study, starting.signal), starting }
    running.set(study.hash, started)
    started.trainer.catch(() => {
      if (running.get(study.hash) === started) running.delete(study.hash)
    })
    return started.trainer
  }

  async function end(study: Sha256): Promise<void> {
    const ending = running.get(study)
    running.delete(study)
    ending?.starting.abort()
    await ending?.trainer.then((it) => it.stop()).catch(() => undefined)
  }

  async function attempt<T>(
    study: NamedStudy,
    signal: AbortSignal,
    task: (trainer: Trainer) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    if (stopped) throw new FederationError('cancelled', 'the agent is stopping')
    try {
      return await task(await unlessAborted(trainerOf(study), signal))
    } catch (error) {
      // A trainer that failed is in an unknown state, whoever asks next gets a fresh one.
      if (errorCode(error) === 'trainer-failed') await end(study.hash)
      throw error
    }
  }

  function queued<T>(study: Sha256, task: () => Promise<T>): Promise<T> {
    const result = (queues.get(study) ?? Promise.resolve()).then(task)
    const settled = result
      .catch(() => undefined)
      .then(() => {
        if (queues.get(study) === settled) queues.delete(study)
      })
    queues.set(study, settled)
    return result
  }

  return {
    use: (study, signal, task) =>
      queued(study.hash, async () => {
        try {
          return await attempt(study, signal, task)
        } catch (error) {
          if (errorCode(error) !== 'trainer-failed' || signal.aborted || stopped) throw error
          options.onRestart(study.hash, errorMessage(error))
          return await attempt(study, signal, task)
        }
      }),
    release: (study) => queued(study, () => end(study)),
    async stop() {
      stopped = true
      await Promise.all([...running.keys()].map(end))
      await Promise.all(queues.values())
    },
  }
}
