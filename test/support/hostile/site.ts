/**
 * A site that lies: it joined as any other and holds a real link, but what answers on it is an honest site of plain
 * functions whose words, messages and uploads the test bends. It uploads with a bare gRPC client, so nothing on its own
 * side stops what it sends.
 */
import { systemClock } from '@consilium/protos/clock.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { sign } from '@consilium/protos/identity.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { planHash, type RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import { readSignedStudy, type StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import type { MaskedInput, SecureFromSite, Shares } from '@consilium/protos/secagg/messages.ts'
import { wireMaskedInput } from '@consilium/protos/secagg/wire-messages.ts'
import { openLink } from '@consilium/site-agent/link/grpc-link.ts'
import type { JoinedSite } from '@consilium/site-agent/link/identity-files.ts'
import type { FromCoordinator, ToCoordinator } from '@consilium/site-agent/link/link.ts'
import pino from 'pino'
import { rawClient, streamOutcome } from '../raw-client.ts'
import { type SecureSite, secureSite } from '../secure-sites.ts'
import { memoryLedger } from '../wire-fixture.ts'
import type { Door } from './federation.ts'
import { planIn } from './recorded.ts'
import { honestWords } from './words.ts'

export type Outcome = Awaited<ReturnType<typeof streamOutcome>>

/** What it uploads: `masked` is the header's signed part, `size` and `sha256` what the header says of the bytes. */
export type Upload = {
  readonly bytes: Uint8Array
  readonly masked: MaskedInput
  readonly sha256: Sha256
  readonly size: number
  /** Where the coordinator is said to be already. */
  readonly offset: number
  /** Bytes of one chunk. */
  readonly chunkBytes: number
}

/** One round as the lying site sees it. */
export type Moment = {
  readonly plan: RoundPlan
  readonly hash: Sha256
  readonly me: SecureSite
  readonly say: (message: ToCoordinator) => void
  readonly put: (upload: Upload) => Promise<Outcome>
  /** Opens a stream of this method and sends one frame on it, whatever it holds. */
  readonly frame: (method: 'Attend' | 'Upload', bytes: Buffer) => Promise<Outcome>
  /** Resolves once the coordinator said that the round is over for this site. */
  readonly over: Promise<void>
}

export type SiteLies = {
  /** What it says in place of an honest message. */
  readonly say?: (message: SecureFromSite, at: Moment) => readonly ToCoordinator[]
  /** What it masks in place of its honest vectors, in the plan's order. */
  readonly words?: (words: readonly Int32Array[], at: Moment) => readonly Int32Array[]
  /** What it does in place of one honest upload. */
  readonly upload?: (upload: Upload, at: Moment) => Promise<unknown>
}

export type HostileSite = {
  readonly name: SiteName
  readonly me: SecureSite
  /** How its uploads ended, in order. */
  readonly outcomes: (Outcome & { readonly planHash: Sha256 })[]
  /** Reasons for which its control stream broke. */
  readonly breaks: string[]
  stop(): Promise<void>
}

export function hostileSite(joined: JoinedSite, number: number, lies: SiteLies, door: Door): HostileSite {
  const { site: name, identity, tlsKeyPem: keyPem, certificatePem } = joined
  const me = secureSite(name, identity)
  const log = pino({ level: 'silent' })
  const link = openLink({
    joined,
    agentVersion: 'hostile',
    ledger: memoryLedger(),
    clock: systemClock,
    log,
    random: () => 0,
    environment: {},
  })
  const client = rawClient(door.authority, door.port, { keyPem, certificatePem })
  const stopping = new AbortController()
  const manifests = new Map<Sha256, StudyManifest>()
  const moments = new Map<Sha256, Moment & { readonly end: () => void }>()
  const outcomes: HostileSite['outcomes'] = []
  const breaks: string[] = []

  function begin(plan: RoundPlan) {
    const hash = planHash(plan)
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const put = async ({ bytes, masked, sha256, size, offset, chunkBytes }: Upload) => {
      const call = client.upload()
      const outcome = streamOutcome(call)
      const of = { planHash: Buffer.from(hash, 'hex'), sha256: Buffer.from(sha256, 'hex') }
      call.write({ header: { ...of, size, offset, masked: wireMaskedInput(masked) } })
      for (let at = offset; at < bytes.length; at += chunkBytes) call.write({ chunk: bytes.slice(at, at + chunkBytes) })
      call.end()
      const ended = await outcome
      outcomes.push({ ...ended, planHash: hash })
      return ended
    }
    const frame = (method: 'Attend' | 'Upload', bytes: Buffer) => {
      const { path } = federationTypes().Federation.service[method]
      const call = client.makeBidiStreamRequest(path, asIs, asIs)
      const outcome = streamOutcome(call)
      call.write(bytes)
      call.end()
      return outcome
    }
    return { plan, hash, me, put, frame, over, end, say: (message: ToCoordinator) => link.send(message, plan.study) }
  }

  function answer(message: SecureFromSite): void {
    const at = moments.get(message.planHash)!
    for (const each of lies.say ? lies.say(message, at) : [message]) at.say(each)
  }

  async function collect(shares: Shares): Promise<void> {
    const at = moments.get(shares.planHash)!
    const honest = honestWords(number, at.plan, manifests.get(at.plan.study)!)
    const words = lies.words ? lies.words(honest, at) : honest
    const { bytes, masked } = me.mask(shares, words)
    const upload = { bytes, masked, sha256: sha256Hex(bytes), size: bytes.length, offset: 0, chunkBytes: chunkBytesMax }
    await (lies.upload ? lies.upload(upload, at) : at.put(upload))
  }

  async function take(message: FromCoordinator): Promise<void> {
    switch (message.type) {
      case 'study': {
        const { manifest, hash } = readSignedStudy(message.signedStudy)
        manifests.set(hash, manifest)
        const signature = sign(identity, 'decision', Buffer.from(hash, 'hex'), Buffer.from('approve'))
        return link.decide({ studyHash: hash, decision: 'approve', reason: '', signature })
      }
      case 'roster':
        return link.send({ type: 'pinned', sites: message.sites }, '')
      case 'assignment': {
        const at = begin(planIn(message.plan))
        moments.set(at.hash, moments.get(at.hash) ?? at)
        return at.say({ type: 'work-done', planHash: at.hash })
      }
      case 'advertise-keys':
        return answer(me.advertise(moments.get(message.planHash)!.plan))
      case 'directory':
        return answer(me.shareKeys(message))
      case 'shares':
        return collect(message)
      case 'survivors':
        return answer(me.confirm(message))
      case 'quorum':
        return answer(me.unmask(message.planHash))
      case 'verify-sum':
        return answer(me.verify(message))
      case 'round-over':
        return moments.get(message.planHash)?.end()
    }
  }

  const ended = link.attend({
    onUp: () => {},
    onDown: (reason) => void breaks.push(reason),
    onMessage: (message) => void take(message).catch((error) => breaks.push(String(error))),
    signal: stopping.signal,
  })
  ended.catch(() => {})
  return {
    name,
    me,
    outcomes,
    breaks,
    async stop() {
      stopping.abort()
      client.close()
      await ended.catch(() => {})
      await link.close()
    },
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes
}
