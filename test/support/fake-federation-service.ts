/** A FederationService in memory, so that the wire can be tested without a coordinator behind it. */
import type { CertificateAuthority } from '@consilium/coordinator/certificate-authority.ts'
import type {
  Caller,
  FederationService,
  FromSite,
  SiteStream,
  StreamListener,
  StudyDecision,
  UploadHeader,
} from '@consilium/coordinator/services.ts'
import type { Clock } from '@consilium/protos/clock.ts'
import type { LogProof, LogProofRequest, RosterSite, StoodOut } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { verifySignature } from '@consilium/protos/identity.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { SitesPartnerWord } from '@consilium/protos/plan/partner-change.ts'

export type OpenStream = { readonly stream: SiteStream; readonly heard: FromSite[]; closed: boolean }

export type FakeFederationService = FederationService & {
  /** One-time secrets (hexadecimal) by site. */
  readonly secrets: Map<string, string>
  readonly revoked: Set<string>
  readonly streams: OpenStream[]
  readonly objects: Map<Sha256, Uint8Array>
  /** What sites have uploaded, whole or in part, by `site/plan hash`. */
  readonly staged: Map<string, Uint8Array>
  /** Every header that an upload began with. */
  readonly headers: UploadHeader[]
  readonly decisions: (StudyDecision & { readonly site: string })[]
  /** What sites said they pinned, by the call for it. */
  readonly pins: { readonly site: string; readonly sites: readonly RosterSite[] }[]
  /** What sites said they take no part in, by the call for it. */
  readonly standOuts: { readonly site: string; readonly of: readonly StoodOut[] }[]
  /** What sites said of their partners. */
  readonly words: SitesPartnerWord[]
  readonly proofsAsked: (LogProofRequest & { readonly site: string })[]
  /** The answer to every ProveLog. */
  proof: LogProof
  /** Bytes of chunks handed to `upload`, counted as often as they came. */
  receivedBytes: number
  renewals: number
  /** Resolves at the next Hello, Attend message, decision or end of a stream. */
  changed(): Promise<void>
}

export type FakeServiceOptions = {
  readonly authority: CertificateAuthority
  readonly clock: Clock
  readonly certificateLifeMs?: number
}

export const coordinatorPublicKey = Buffer.alloc(32, 7)

export function fakeFederationService(options: FakeServiceOptions): FakeFederationService {
  const { authority, clock, certificateLifeMs = 90 * 24 * 60 * 60_000 } = options
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const listener of [...listeners]) listener()
    listeners.clear()
  }
  const issue = (request: Uint8Array, site: string) =>
    authority.issueSiteCertificate(request, site, { notAfter: new Date(clock.now().getTime() + certificateLifeMs) })
  const service: FakeFederationService = {
    secrets: new Map(),
    revoked: new Set(),
    streams: [],
    objects: new Map(),
    staged: new Map(),
    headers: [],
    decisions: [],
    pins: [],
    standOuts: [],
    words: [],
    proofsAsked: [],
    proof: { consistency: [], inclusion: [] },
    receivedBytes: 0,
    renewals: 0,
    changed: () => new Promise((resolve) => listeners.add(resolve)),
    async join({ site, secret, certificateRequest, identityPublicKey, identitySignature }) {
      const known = service.secrets.get(site)
      if (known === undefined) throw new FederationError('join-code-used', `the join code of ${site} was used before`)
      if (known !== Buffer.from(secret).toString('hex')) throw new FederationError('join-code-invalid', 'wrong secret')
      const parts = [Buffer.from(site, 'utf8'), secret, certificateRequest]
      if (!verifySignature(identityPublicKey, identitySignature, 'join', ...parts))
        throw new FederationError('signature-invalid', 'the identity did not sign this join')
      const { pem } = await issue(certificateRequest, site)
      service.secrets.delete(site)
      return { certificatePem: pem, authorityPem: authority.certificatePem, coordinatorPublicKey, federation: 'test' }
    },
    async renew(caller, certificateRequest) {
      service.renewals += 1
      return (await issue(certificateRequest, caller.site)).pem
    },
    checkCaller({ site }: Caller) {
      if (service.revoked.has(site)) throw new FederationError('certificate-revoked', `site ${site} was revoked`)
    },
    attend(stream, hello): StreamListener {
      const open: OpenStream = { stream, heard: [hello], closed: false }
      service.streams.push(open)
      stream.admit()
      tell()
      return {
        receive(message) {
          open.heard.push(message)
          tell()
        },
        closed() {
          open.closed = true
          tell()
        },
      }
    },
    studies: async () => [Buffer.from('{"study":1}'), Buffer.from('{"study":2}')],
    async decide({ site }, decision) {
      service.decisions.push({ ...decision, site })
      tell()
    },
    async sayOfPartners({ site }, word) {
      service.words.push({ ...word, site })
    },
    async pin({ site }, sites) {
      service.pins.push({ site, sites })
    },
    async standOut({ site }, of) {
      service.standOuts.push({ site, of })
    },
    async proveLog({ site }, request) {
      service.proofsAsked.push({ ...request, site })
      return service.proof
    },
    async fetch(_caller, sha256, offset) {
      const object = service.objects.get(sha256)
      if (!object) throw new FederationError('not-found', `no object ${sha256}`)
      if (offset > object.length) throw new FederationError('offset-mismatch', 'beyond the end')
      return pieces(object.subarray(offset))
    },
    async uploadOffset({ site }, planHash) {
      const there = service.staged.get(`${site}/${planHash}`)
      return { offset: there?.length ?? 0, complete: completed.has(`${site}/${planHash}`) }
    },
    async upload({ site }, header, chunks) {
      const id = `${site}/${header.planHash}`
      service.headers.push(header)
      let there: Uint8Array = service.staged.get(id) ?? new Uint8Array()
      if (there.length !== header.offset) throw new FederationError('offset-mismatch', `${there.length} bytes are here`)
      for await (const chunk of chunks) {
        service.receivedBytes += chunk.length
        there = Buffer.concat([there, chunk])
        service.staged.set(id, there)
      }
      if (sha256Hex(there) !== header.sha256) {
        service.staged.delete(id)
        throw new FederationError('hash-mismatch', 'other bytes than announced')
      }
      completed.add(id)
      return { size: there.length }
    },
  }
  const completed = new Set<string>()
  return service
}

async function* pieces(object: Uint8Array): AsyncGenerator<Uint8Array> {
  const pieceBytes = 1024 * 1024
  for (let at = 0; at < object.length; at += pieceBytes) yield object.subarray(at, at + pieceBytes)
}
