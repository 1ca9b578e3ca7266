/**
 * Adds vectors and masks on worker threads: the keystreams of many sites keep a core busy for longer than the event loop
 * may stand still. Threads start with the first large piece, and none keeps a process alive while it has nothing to do.
 */
import { Worker } from 'node:worker_threads'
import { FederationError } from '../errors.ts'
import { addMasks, addVectors, type Mask } from './mask-stream.ts'

export type MaskThreads = {
  /** How many pieces are worked on at once: a caller that keeps one more under way leaves no thread idle. */
  readonly threads: number
  /**
   * The sum of the vectors (at least one, all of one length) and the masks from `wordOffset` on, modulo 2^32. The memory
   * of `vectors` is given away: read none of them afterwards. Rejects with `internal` where the thread died, with
   * `cancelled` once closed.
   */
  add(vectors: readonly Int32Array[], masks: readonly Mask[], wordOffset: number): Promise<Int32Array>
  /** Ends the threads; what is under way is rejected. */
  close(): Promise<void>
}

/** What a thread is given. Keys of 32 bytes one after the other: thousands of objects would take longer to copy. */
export type MaskJob = {
  readonly vectors: readonly Int32Array[]
  readonly keys: Uint8Array
  readonly signs: Int8Array
  readonly wordOffset: number
}

type Task = {
  readonly job: MaskJob
  readonly resolve: (sum: Int32Array) => void
  readonly reject: (error: FederationError) => void
}

/** Words times addends that take about a millisecond: handing them over would cost as much. */
const inlineWordsMax = 2 ** 18

export function openMaskThreads(threads: number): MaskThreads {
  const waiting: Task[] = []
  const idle: Worker[] = []
  const busy = new Map<Worker, Task>()
  let closed = false

  function next(): void {
    while (waiting.length > 0 && (idle.length > 0 || busy.size < threads)) {
      const worker = idle.pop() ?? start()
      const task = waiting.shift()!
      busy.set(worker, task)
      worker.ref()
      worker.postMessage(task.job, buffersOf(task.job))
    }
  }

  function start(): Worker {
    const worker = new Worker(new URL('./mask-worker.ts', import.meta.url), { execArgv: [] })
    worker.on('message', (sum: Int32Array) => {
      // A sum that was on its way when the pool was closed: its task is rejected already.
      if (closed) return
      const task = busy.get(worker)
      busy.delete(worker)
      worker.unref()
      idle.push(worker)
      task?.resolve(sum)
      next()
    })
    let reason = 'it ended'
    worker.on('error', (error) => {
      reason = String(error)
    })
    worker.on('exit', () => forget(worker, reason))
    return worker
  }

  /** The next task starts a thread in its place. */
  function forget(worker: Worker, reason: string): void {
    const task = busy.get(worker)
    busy.delete(worker)
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1)
    if (closed) return
    task?.reject(new FederationError('internal', `a thread that adds masks died: ${reason}`))
    next()
  }

  return {
    threads,
    async add(vectors, masks, wordOffset) {
      if (closed) throw closedError()
      const [first, ...others] = vectors
      if (!first) throw new FederationError('invalid-argument', 'there is no vector to add masks to')
      if (first.length * (others.length + masks.length) <= inlineWordsMax) {
        addVectors(first, others)
        addMasks(first, masks, wordOffset)
        return first
      }
      const job = packed(vectors, masks, wordOffset)
      return new Promise((resolve, reject) => {
        waiting.push({ job, resolve, reject })
        next()
      })
    },
    async close() {
      closed = true
      for (const { reject } of [...waiting.splice(0), ...busy.values()]) reject(closedError())
      await Promise.all([...idle, ...busy.keys()].map((worker) => worker.terminate()))
    },
  }
}

/** Checks here what a thread would die of. */
function packed(vectors: readonly Int32Array[], masks: readonly Mask[], wordOffset: number): MaskJob {
  const odd = vectors.find(({ length }) => length !== vectors[0]!.length)
  if (odd)
    throw new FederationError('update-invalid', `a vector of ${odd.length} words cannot join ${vectors[0]!.length}`)
  if (masks.some(({ key }) => key.length !== 32) || !Number.isSafeInteger(wordOffset) || wordOffset < 0)
    throw new FederationError('invalid-argument', 'masks have keys of 32 bytes and are added from a whole word on')
  const keys = new Uint8Array(32 * masks.length)
  masks.forEach(({ key }, i) => {
    keys.set(key, 32 * i)
  })
  return { vectors: vectors.map(transferable), keys, signs: Int8Array.from(masks, ({ sign }) => sign), wordOffset }
}

/** A view of memory that others share is copied: handing it over would take it from them. */
function transferable(words: Int32Array): Int32Array {
  const isOwn = words.buffer instanceof ArrayBuffer && words.buffer.byteLength === words.byteLength
  return isOwn ? words : words.slice()
}

function buffersOf({ vectors, keys, signs }: MaskJob): ArrayBuffer[] {
  return [...vectors, keys, signs].map(({ buffer }) => buffer as ArrayBuffer)
}

function closedError(): FederationError {
  return new FederationError('cancelled', 'the threads that add masks were closed')
}
