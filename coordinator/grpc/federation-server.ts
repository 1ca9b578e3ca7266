/**
 * The sites' port: Join for whoever holds a join code, every other method for the site that its verified client
 * certificate names. What a message says never decides who speaks.
 */

import type { PeerCertificate } from 'node:tls'
import type { Clock } from '@consilium/protos/clock.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { countField, hashField, partnerWordField } from '@consilium/protos/fields.ts'
import type { FederationHandlers } from '@consilium/protos/gen/consilium/v1/Federation.ts'
import { chunkBytesMax } from '@consilium/protos/limits.ts'
import { federationTypes, packageDefinition } from '@consilium/protos/load.ts'
import { standsOutField } from '@consilium/protos/stood-out.ts'
import type { Logger } from 'pino'
import type { CertificateAuthority } from '../certificate-authority.ts'
import type { Caller, FederationService } from '../services.ts'
import { attend } from './attend.ts'
import { siteOf } from './certificates.ts'
import {
  certificateRequest,
  joinRequest,
  logProofReply,
  logProofRequest,
  pinned,
  studyDecision,
} from './federation-messages.ts'
import { type Admission, type Guard, guardCalls, type OpenCall } from './guard.ts'
import { duplex, serverStreaming, unary } from './handlers.ts'
import { type Listener, startListener } from './listener.ts'
import { peerBuckets, type Rate } from './token-bucket.ts'
import { upload } from './upload.ts'

export type FederationServerOptions = {
  readonly service: FederationService
  readonly authority: CertificateAuthority
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly clock: Clock
  readonly log: Logger
  /** How often Join may be called: by one address, and by all together. */
  readonly joinRate?: PeerRate
  /** How often a site may renew, decide on a study or say what it pinned by a call. By one site, and by all. */
  readonly entryRate?: PeerRate
  /** How often a site may have its coordinator prove something of a log, which reads in it. By one site, and by all. */
  readonly proofRate?: PeerRate
}

type PeerRate = { readonly perPeer: Rate; readonly overall: Rate }

/** Only a joining site has no name yet. */
type Who = Caller | undefined

const joinPath = '/consilium.v1.Federation/Join'
const defaultJoinRate = { perPeer: { burst: 60, perSecond: 2 }, overall: { burst: 300, perSecond: 20 } }
const defaultEntryRate = { perPeer: { burst: 300, perSecond: 1 }, overall: { burst: 3000, perSecond: 50 } }
/** Two proofs go with each secure round. */
const defaultProofRate = { perPeer: { burst: 300, perSecond: 40 }, overall: { burst: 10_000, perSecond: 1000 } }
/** Payload of one message of a download: well below the site's window, so that a cut costs less than a chunk. */
const fetchMessageBytes = chunkBytesMax / 4

/** Listens once it resolves; throws `invalid-argument` where the port is taken. */
export async function startFederationServer(options: FederationServerOptions): Promise<Listener> {
  const { service, clock, log, joinRate = defaultJoinRate } = options
  const mayJoin = peerBuckets(joinRate.perPeer, joinRate.overall, clock)
  const guard = guardCalls<Who>({
    clock,
    log,
    admit: (method, certificate, peer) =>
      method === joinPath ? admitJoin(mayJoin, peer) : admitSite(service, certificate, clock),
  })
  const types = federationTypes()
  const listener = await startListener({
    ...options,
    interceptor: guard.interceptor,
    definition: packageDefinition('federation'),
    service: 'consilium.v1.Federation',
    addTo: (server) => server.addService(types.Federation.service, handlers(options, guard)),
  })
  return {
    port: listener.port,
    stop() {
      guard.endStreams(new FederationError('link-down', 'the coordinator is stopping'))
      return listener.stop()
    },
  }
}

function admitJoin(mayJoin: (peer: string) => boolean, peer: string): Admission<Who> {
  if (!mayJoin(peer)) throw new FederationError('rate-limited', 'too many joins from this address: wait a minute')
  return { who: undefined, check: () => {} }
}

function admitSite(service: FederationService, certificate: PeerCertificate | undefined, clock: Clock): Admission<Who> {
  const caller = siteOf(certificate)
  return {
    who: caller,
    expiresAt: caller.expiresAt,
    check() {
      if (caller.expiresAt <= clock.now())
        throw new FederationError('certificate-expired', `the certificate of site ${caller.site} has expired`)
      service.checkCaller(caller)
    },
  }
}

function handlers(options: FederationServerOptions, guard: Guard<Who>): FederationHandlers {
  const { service, clock, entryRate = defaultEntryRate, proofRate = defaultProofRate } = options
  const mayEnter = peerBuckets(entryRate.perPeer, entryRate.overall, clock)
  const mayAskProof = peerBuckets(proofRate.perPeer, proofRate.overall, clock)
  /** The caller of a method that makes an entry in the log, or has every run looked at. */
  const entering = (open: OpenCall<Who>) => {
    const caller = site(open)
    if (mayEnter(caller.site)) return caller
    throw new FederationError(
      'rate-limited',
      `too many decisions, renewals and pins of site ${caller.site}: wait a minute`,
    )
  }
  return {
    Join: unary(guard, (request) => service.join(joinRequest(request))),
    Renew: unary(guard, async (request, open) => ({
      certificatePem: await service.renew(entering(open), certificateRequest(request.certificateRequest)),
    })),
    Attend: duplex(guard, (call, open) => attend(service, site(open), call, open, clock)),
    Studies: serverStreaming(guard, async function* (_request, open) {
      for (const signedStudy of await service.studies(site(open))) yield { signedStudy }
    }),
    Decide: unary(guard, async (request, open) => {
      await service.decide(entering(open), studyDecision(request))
      return {}
    }),
    SayOfPartners: unary(guard, async (request, open) => {
      await service.sayOfPartners(entering(open), partnerWordField(request, 'partner_word'))
      return {}
    }),
    Pin: unary(guard, async (request, open) => {
      await service.pin(entering(open), pinned(request))
      return {}
    }),
    StandOut: unary(guard, async (request, open) => {
      await service.standOut(entering(open), standsOutField(request))
      return {}
    }),
    ProveLog: unary(guard, async (request, open) => {
      const caller = site(open)
      if (!mayAskProof(caller.site))
        throw new FederationError('rate-limited', `too many proofs asked for by site ${caller.site}: wait a second`)
      return logProofReply(await service.proveLog(caller, logProofRequest(request)))
    }),
    Fetch: serverStreaming(guard, async function* (request, open) {
      const sha256 = hashField(request.sha256, 'sha256')
      const offset = countField(request.offset, 'offset')
      for await (const chunk of await service.fetch(site(open), sha256, offset))
        for (let at = 0; at < chunk.length; at += fetchMessageBytes)
          yield { data: chunk.subarray(at, at + fetchMessageBytes) }
    }),
    UploadOffset: unary(guard, (request, open) =>
      service.uploadOffset(site(open), hashField(request.planHash, 'plan_hash')),
    ),
    Upload: duplex(guard, (call, open) => upload(service, site(open), call)),
  }
}

function site(open: OpenCall<Who>): Caller {
  if (open.who === undefined) throw new FederationError('unauthenticated', 'this call needs a site’s certificate')
  return open.who
}
