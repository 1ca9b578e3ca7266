/**
 * One stream of the event log together with the state that is its fold. Changes are decided one after the other, each on
 * the state that all before it led to, and nothing is true before its events are durable.
 */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { type LogEntry, type NewEntry, noHead } from '@consilium/protos/log/entry.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { type MerkleTree, openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import type { EventLog } from './store/event-log.ts'

export type EventStream<State, Event> = Pick<MerkleTree, 'consistency' | 'inclusion'> & {
  readonly state: State
  /** Hash of the last entry; 64 zeros where there is none. */
  readonly head: string
  readonly length: number
  /** Number and Merkle tree hash of the entries that are durable. `consistency` and `inclusion` prove things of it. */
  logHead(): LogHead
  /** Merkle tree hash of the first `size` entries, which are not more than there are. */
  rootAt(size: number): string
  /** The entry at a position below the length. */
  entry(seq: number): Promise<LogEntry>
  /**
   * Runs `decide` on the state once every earlier change is done, appends what it returns, and gives the events that
   * became true. What `decide` throws is passed on and changes nothing.
   */
  change(decide: (state: State) => readonly Event[] | Promise<readonly Event[]>): Promise<readonly Event[]>
  /** Resolves once every change so far is done. */
  settled(): Promise<void>
}

export type EventStreamOptions<State, Event> = {
  readonly log: EventLog
  readonly stream: string
  readonly initial: State
  readonly evolve: (state: State, event: Event) => State
  readonly toEntry: (event: Event) => NewEntry
  readonly fromEntry: (entry: LogEntry) => Event
  /** Told when the log refused an append: what is in it is unknown then, so this process can only end. */
  readonly onFailure: (error: Error) => void
}

/** Reads the stream from its start; rejects with `log-broken` where it was changed. */
export async function openEventStream<State, Event>(
  options: EventStreamOptions<State, Event>,
): Promise<EventStream<State, Event>> {
  const { log, stream, evolve, toEntry, fromEntry, onFailure } = options
  let state = options.initial
  let head = noHead
  let length = 0
  let failed: Error | undefined
  let last: Promise<unknown> = Promise.resolve()
  const tree = openMerkleTree()

  const rootAt = (size: number) => Buffer.from(tree.root(size)).toString('hex')

  const take = (entry: LogEntry, event: Event) => {
    state = evolve(state, event)
    head = entry.hash
    length = entry.seq + 1
    tree.append(entryLeaf(entry))
  }
  for await (const entry of log.read(stream)) take(entry, fromEntry(entry))

  async function append(events: readonly Event[]): Promise<void> {
    const fresh = events.map(toEntry)
    try {
      const entries = await log.append(stream, length, fresh)
      entries.forEach((entry, i) => {
        take(entry, events[i]!)
      })
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error))
      onFailure(failed)
      throw failed
    }
  }

  async function changeNow(decide: Parameters<EventStream<State, Event>['change']>[0]): Promise<readonly Event[]> {
    if (failed)
      throw new FederationError('store-failed', `the event log failed before: ${errorMessage(failed)}`, {
        cause: failed,
      })
    const events = await decide(state)
    if (events.length > 0) await append(events)
    return events
  }

  return {
    get state() {
      return state
    },
    get head() {
      return head
    },
    get length() {
      return length
    },
    logHead: () => ({ size: length, root: rootAt(length) }),
    rootAt,
    consistency: tree.consistency,
    inclusion: tree.inclusion,
    async entry(seq) {
      const entry = await log.entry(stream, seq)
      if (!entry) throw new FederationError('log-broken', `entry ${seq} of stream ${stream} is missing`)
      return entry
    },
    change(decide) {
      const result = last.then(() => changeNow(decide))
      last = result.catch(() => {})
      return result
    },
    settled: () => last.then(() => {}),
  }
}
