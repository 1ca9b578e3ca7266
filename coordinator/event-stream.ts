/**
 * One stream of the event log together with the state that is its fold. Changes are decided one after the other, each on
 * the state that all before it led to, and nothing is true before its events are durable. Changes that may go together and
 * come at once are appended at once: an append waits for the disk, or for a database, whatever it holds.
 */
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { type LogEntry, type NewEntry, noHead } from '@consilium/protos/log/entry.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { type MerkleTree, openMerkleTree } from '@consilium/protos/log/merkle.ts'
import { entryLeaf } from '@consilium/protos/log/model-entry.ts'
import { inGroups } from './in-groups.ts'
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
  change(decide: Decide<State, Event>): Promise<readonly Event[]>
  /**
   * As `change`, for a decision that hangs on the state and not on `logHead`: those that come in the same turn of the event
   * loop see each other's events before they are in the log, and all of these are appended as one, or none is.
   */
  changeTogether(decide: Decide<State, Event>): Promise<readonly Event[]>
  /** Resolves once every change so far is done. */
  settled(): Promise<void>
}

/** An event with the state that it leads to. */
type Step<State, Event> = { readonly event: Event; readonly after: State }

type Decide<State, Event> = (state: State) => readonly Event[] | Promise<readonly Event[]>

/** A decision, and who waits for what becomes of it. */
type Change<State, Event> = {
  readonly decide: Decide<State, Event>
  resolve(events: readonly Event[]): void
  reject(error: unknown): void
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
  const tree = openMerkleTree()

  const rootAt = (size: number) => Buffer.from(tree.root(size)).toString('hex')

  const take = (entry: LogEntry, after: State) => {
    state = after
    head = entry.hash
    length = entry.seq + 1
    tree.append(entryLeaf(entry))
  }
  for await (const entry of log.read(stream)) take(entry, evolve(state, fromEntry(entry)))

  async function append(steps: readonly Step<State, Event>[]): Promise<void> {
    const fresh = steps.map(({ event }) => toEntry(event))
    try {
      const entries = await log.append(stream, length, fresh)
      for (const [i, entry] of entries.entries()) take(entry, steps[i]!.after)
    } catch (error) {
      failed = error instanceof Error ? error : new Error(String(error))
      onFailure(failed)
      throw failed
    }
  }

  /** Throws where an event does not fit, and then none of them counts. */
  function stepsFrom(before: State, events: readonly Event[]): Step<State, Event>[] {
    let after = before
    return events.map((event) => {
      after = evolve(after, event)
      return { event, after }
    })
  }

  async function changeAll(group: readonly Change<State, Event>[]): Promise<void> {
    const steps: Step<State, Event>[] = []
    const decided: (() => void)[] = []
    for (const { decide, resolve, reject } of group) {
      try {
        if (failed) throw failedBefore(failed)
        const before = steps.length > 0 ? steps.at(-1)!.after : state
        const events = await decide(before)
        steps.push(...stepsFrom(before, events))
        decided.push(() => resolve(events))
      } catch (error) {
        reject(error)
      }
    }
    try {
      if (steps.length > 0) await append(steps)
      for (const done of decided) done()
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
  }

  const groups = inGroups(changeAll)
  const change = (decide: Decide<State, Event>, how: 'alone' | 'together') =>
    new Promise<readonly Event[]>((resolve, reject) => groups.add({ decide, resolve, reject }, how))

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
    change: (decide) => change(decide, 'alone'),
    changeTogether: (decide) => change(decide, 'together'),
    settled: groups.settled,
  }
}

function failedBefore(cause: Error): FederationError {
  return new FederationError('store-failed', `the event log failed before: ${errorMessage(cause)}`, { cause })
}
