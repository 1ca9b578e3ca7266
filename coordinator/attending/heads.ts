/**
 * The heads of the log that sites are shown, signed, so that one can give them back to a coordinator that was restored from
 * an old copy (fedsum, section E.6); and every revocation. Only to an agent that told on its stream what it holds: the proof
 * that the federation's log extends that goes along.
 */
import type { KnownHeads, ShownHead } from '@consilium/protos/control-messages.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { revocationsMax } from '@consilium/protos/limits.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { federationStream, type SignedHead, signHead } from '@consilium/protos/log/signed-head.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { signRevocation } from '@consilium/protos/revocation.ts'
import type { EventStream } from '../event-stream.ts'
import type { FederationEvent } from '../federation/events.ts'
import type { Federation } from '../federation/federation.ts'
import type { Run } from '../run/state.ts'
import type { Outgoing } from './attending.ts'

export type ShownHeads = {
  /** A new stream of the site: it has told nothing on it yet. */
  attends(site: SiteName): void
  /** What the site holds, as it told on its stream. */
  told(site: SiteName, held: Pick<KnownHeads, 'heads'>): void
  /** What the site should have been shown by now; nothing before it told. */
  due(site: SiteName, runs: readonly Run[]): Outgoing[]
}

type Stream = Pick<EventStream<Federation, FederationEvent>, 'state' | 'logHead' | 'consistency' | 'rootAt'>

export function openShownHeads(stream: Stream, coordinator: Identity, now: () => Date): ShownHeads {
  /** Entries of the federation's stream that the site has the head of; 0 where what it holds is of another log. */
  const held = new Map<SiteName, number>()
  const signed = new Map<string, SignedHead>()

  /** Signed once for as long as it is the newest. */
  function signedHead(name: string, head: LogHead): SignedHead {
    const { epoch } = stream.state
    const known = signed.get(name)
    if (known && known.epoch === epoch && known.size === head.size && known.root === head.root) return known
    const fresh = signHead(coordinator, { stream: name, epoch, ...head, at: now().toISOString() })
    signed.set(name, fresh)
    return fresh
  }

  function federationHead(site: SiteName): Outgoing {
    const head = stream.logHead()
    return {
      key: `head:${federationStream}:${head.size}`,
      get message() {
        // A site whose head is of a lost log is shown that this one goes on from where its recovery says.
        const from = held.get(site) || (stream.state.recoveries.at(-1)?.size ?? 0)
        held.set(site, head.size)
        const shown: ShownHead = {
          head: signedHead(federationStream, head),
          consistency: stream.consistency(from, head.size),
          recoveries: stream.state.recoveries.map(({ epoch, size, root, at, signature }) => {
            return { epoch, size, root, at, signature: Buffer.from(signature, 'base64') }
          }),
        }
        return { type: 'shown-head' as const, ...shown }
      },
    }
  }

  function runHead(run: Run, site: SiteName): Outgoing[] {
    const head = headOf(run, site)
    if (!head) return []
    const name = runStream(run.id)
    return [
      {
        key: `head:${name}:${head.size}`,
        get message() {
          return { type: 'shown-head' as const, head: signedHead(name, head), consistency: [], recoveries: [] }
        },
      },
    ]
  }

  function revoked(): Outgoing[] {
    const { revocations } = stream.state
    if (revocations.length === 0) return []
    return [
      {
        key: `revoked:${revocations.length}`,
        get message() {
          const newest = revocations.slice(-revocationsMax).map(({ publicKey, ...rest }) => {
            return signRevocation(coordinator, { ...rest, publicKey: Buffer.from(publicKey, 'base64') })
          })
          return { type: 'revoked' as const, revocations: newest }
        },
      },
    ]
  }

  return {
    attends: (site) => void held.delete(site),
    told(site, { heads }) {
      const head = heads.find(({ stream: name }) => name === federationStream)
      const isOurs = head && head.size <= stream.logHead().size && stream.rootAt(head.size) === head.root
      held.set(site, isOurs ? head.size : 0)
    },
    due(site, runs) {
      if (!held.has(site)) return []
      return [...revoked(), federationHead(site), ...runs.flatMap((run) => runHead(run, site))]
    },
  }
}

/** What the site is asked to work on, or to countersign. */
function headOf({ current }: Run, site: SiteName): LogHead | undefined {
  if (!current || current.phase === 'recruit' || !current.cohort.includes(site)) return undefined
  const { session } = current as { readonly session?: { readonly logHead?: LogHead } }
  return session?.logHead ?? current.plan.logHead
}
