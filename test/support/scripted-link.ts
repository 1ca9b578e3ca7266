/**
 * A link whose other end is the test: it says what a coordinator would say and reads what the site sent. Objects are
 * served from a map; an upload is kept as bytes. `until` waits for what the site does, never for time.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { LogProof, LogProofRequest } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { PartnerWord } from '@consilium/protos/plan/partner-change.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'
import type { FromCoordinator, Link, ToCoordinator } from '../../site-agent/link/link.ts'

export type ScriptedLink = {
  readonly link: Link
  readonly sent: ToCoordinator[]
  readonly decisions: Parameters<Link['decide']>[0][]
  /** What the site said of its partners. */
  readonly words: PartnerWord[]
  readonly uploads: Map<string, Uint8Array>
  /** What came in the headers of the uploads, by plan. */
  readonly masked: Map<string, MaskedInput>
  readonly proofsAsked: LogProofRequest[]
  /** What the coordinator proves of its log: nothing, unless a test says otherwise. */
  prove: (request: LogProofRequest) => LogProof
  readonly fetched: string[]
  /** What the site can fetch, by SHA-256. */
  readonly objects: Map<string, Uint8Array>
  /** Signed studies that `studies()` gives. */
  readonly studies: Uint8Array[]
  /** While set, `fetch`, `decide` and `proveLog` reject as they do when nothing answers. */
  unreachable: boolean
  /** While set, an upload has arrived but is not answered. */
  answer: Promise<void> | undefined
  /** Says a message on the control stream. */
  say(message: FromCoordinator): void
  /** The stream breaks and comes up again. */
  reconnect(): void
  /** Resolves with what `look` finds, once it finds something. */
  until<T>(look: () => T | undefined): Promise<T>
  addObject(bytes: Uint8Array): string
  /** Looks again: for what is not sent over the link (an event, a call of the trainer). */
  notice(): void
}

type Handlers = Parameters<Link['attend']>[0]

export function scriptedLink(site: string): ScriptedLink {
  const objects = new Map<string, Uint8Array>()
  const waiting = new Set<() => void>()
  let handlers: Handlers | undefined
  const notice = () => {
    for (const look of [...waiting]) look()
  }
  const scripted: ScriptedLink = {
    sent: [],
    decisions: [],
    words: [],
    uploads: new Map(),
    masked: new Map(),
    proofsAsked: [],
    prove: () => ({ consistency: [], inclusion: [] }),
    fetched: [],
    objects,
    studies: [],
    unreachable: false,
    answer: undefined,
    notice,
    say: (message) => handlers!.onMessage(message),
    reconnect() {
      handlers!.onDown('the coordinator went away')
      handlers!.onUp()
    },
    until: (look) =>
      new Promise((resolve) => {
        const again = () => {
          const found = look()
          if (found === undefined) return
          waiting.delete(again)
          resolve(found)
        }
        waiting.add(again)
        again()
      }),
    addObject(bytes) {
      objects.set(sha256Hex(bytes), bytes)
      return sha256Hex(bytes)
    },
    link: {
      site,
      attend: (given) => {
        handlers = given
        given.onUp()
        return new Promise((resolve) => given.signal.addEventListener('abort', () => resolve()))
      },
      send(message) {
        scripted.sent.push(message)
        notice()
      },
      studies: async () => scripted.studies,
      async decide(decision) {
        if (scripted.unreachable) throw new FederationError('link-down', 'nothing answers')
        scripted.decisions.push(decision)
        notice()
      },
      async sayOfPartners(word) {
        if (scripted.unreachable) throw new FederationError('link-down', 'nothing answers')
        scripted.words.push(word)
        notice()
      },
      pin: async () => undefined,
      standOut: async () => undefined,
      async fetch({ sha256, path }) {
        if (scripted.unreachable) throw new FederationError('link-down', 'nothing answers')
        const bytes = objects.get(sha256)
        if (!bytes) throw new FederationError('not-found', `the coordinator has no object ${sha256.slice(0, 12)}`)
        scripted.fetched.push(sha256)
        writeFileSync(path, bytes)
      },
      async proveLog(request) {
        if (scripted.unreachable) throw new FederationError('link-down', 'nothing answers')
        scripted.proofsAsked.push(request)
        notice()
        return scripted.prove(request)
      },
      async upload({ planHash, path, masked, onProgress, signal }) {
        const bytes = readFileSync(path)
        onProgress(bytes.length, bytes.length)
        scripted.uploads.set(planHash, bytes)
        if (masked) scripted.masked.set(planHash, masked)
        notice()
        await scripted.answer
        signal.throwIfAborted()
      },
      close: async () => undefined,
    },
  }
  return scripted
}
