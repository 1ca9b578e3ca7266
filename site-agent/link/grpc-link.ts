/**
 * The link over gRPC: one control stream held open, transfers that survive cuts, a certificate renewed in time. It only
 * dials out, and whatever leaves goes through `wire.ts` into the egress ledger.
 */
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { wirePartnerWord } from '@consilium/protos/fields.ts'
import { federationTypes } from '@consilium/protos/load.ts'
import { wireStandsOut } from '@consilium/protos/stood-out.ts'
import type { Logger } from 'pino'
import { openControlStream } from './attend.ts'
import { backoffs } from './backoff.ts'
import { openEgress } from './egress.ts'
import { fetchObject, hashOfFile } from './fetch.ts'
import type { JoinedSite } from './identity-files.ts'
import type { EgressLedger, Link } from './link.ts'
import { fromLogProofReply, toLogProofRequest, toPinned } from './messages.ts'
import { persist } from './persist.ts'
import { type Environment, proxyFor } from './proxy.ts'
import { queuedLedger } from './queued-ledger.ts'
import { identityOf, openRenewal } from './renewal.ts'
import { uploadFile } from './upload.ts'
import { openWire, type Wire } from './wire.ts'

export type LinkOptions = {
  readonly joined: JoinedSite
  readonly agentVersion: string
  readonly ledger: EgressLedger
  readonly clock: Clock
  readonly log: Logger
  /** Jitter of the delays between attempts, 0 up to 1; Math.random where not given. */
  readonly random?: () => number
  /** For https_proxy and no_proxy; process.env where not given. */
  readonly environment?: Environment
}

const studiesMax = 10_000
/** How often an upload starts anew because other bytes arrived than were sent: what was staged before a power cut, say. */
const uploadsAnewMax = 3

/** Dials with the first call. */
export function openLink(options: LinkOptions): Link {
  const { joined, agentVersion, ledger, clock, log, random = Math.random, environment = process.env } = options
  const { address } = joined
  const queued = queuedLedger(ledger, log)
  const egress = openEgress(queued, clock)
  const wire = openWire({ address, proxy: proxyFor(address, environment), identity: identityOf(joined), egress, clock })
  const delays = backoffs(clock, random)
  const closing = new AbortController()
  const orClosing = (signal: AbortSignal) => AbortSignal.any([signal, closing.signal])
  const renewal = openRenewal({ joined, wire, clock, log, onRenewed: () => control.redial() })
  const control = openControlStream({ wire, agentVersion, clock, delays, beforeDial: renewal.ifDue })
  const { service } = federationTypes().Federation
  const transfers = { wire, delays, log }
  return {
    site: joined.site,
    attend: (handlers) => control.hold({ ...handlers, signal: orClosing(handlers.signal) }),
    send: control.send,
    studies: () => listStudies(wire, closing.signal),
    async decide({ studyHash, decision, reason, signature }) {
      const request = { studyHash: Buffer.from(studyHash, 'hex'), decision, reason, signature }
      await wire.unary(service.Decide, request, { kind: 'decision', study: studyHash })
    },
    async sayOfPartners(word) {
      await wire.unary(service.SayOfPartners, wirePartnerWord(word), { kind: 'partners', study: word.study })
    },
    async pin(sites) {
      await wire.unary(service.Pin, toPinned(sites), { kind: 'pinned', study: '' })
    },
    async standOut(of) {
      await wire.unary(service.StandOut, wireStandsOut(of), { kind: 'stands-out', study: '' })
    },
    proveLog(request, study) {
      const asked = toLogProofRequest(request)
      return persist(transfers, closing.signal, async () =>
        fromLogProofReply(await wire.unary(service.ProveLog, asked, { kind: 'log-proof', study }), request),
      )
    },
    fetch(download) {
      const signal = orClosing(download.signal)
      return persist(transfers, signal, (onKept) => {
        const onProgress = () => {
          onKept()
          download.onProgress?.()
        }
        return fetchObject(wire, { ...download, onProgress, signal })
      })
    },
    async upload({ planHash, path, study, masked, onProgress, signal }) {
      const until = orClosing(signal)
      const { hash, bytes: size } = await hashOfFile(path)
      const file = { planHash, path, sha256: hash.digest('hex'), size, study, ...(masked ? { masked } : {}) }
      const attempt = (onKept: () => void) => {
        const tell = (kept: number) => {
          onKept()
          onProgress(kept, size)
        }
        return uploadFile(wire, file, tell, until)
      }
      await persist(transfers, until, attempt, uploadsAnewMax)
    },
    async close() {
      closing.abort()
      renewal.stop()
      await wire.close()
      queued.close()
    },
  }
}

async function listStudies(wire: Wire, signal: AbortSignal): Promise<readonly Uint8Array[]> {
  const studies: Uint8Array[] = []
  const onReply = ({ signedStudy }: { readonly signedStudy: Uint8Array }) => {
    if (studies.push(signedStudy) > studiesMax)
      throw new FederationError('limit-exceeded', `the coordinator lists more than ${studiesMax} studies`)
  }
  const { Studies } = federationTypes().Federation.service
  await wire.serverStream(Studies, {}, { kind: 'studies', study: '' }, { onReply }, signal)
  return studies
}
