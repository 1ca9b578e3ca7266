/** What sites may ask of the coordinator: joining, studies, objects of rounds open to them, uploads. */
import { errorCode, FederationError } from '@consilium/protos/errors.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { proveLog } from './driving/prove-log.ts'
import { decideStudy } from './federation/consent.ts'
import { checkCaller, checkJoin, joined } from './federation/enrolment.ts'
import { checkWhole } from './federation/losses.ts'
import { sayOfPartners } from './federation/partner-changes.ts'
import type { Parts } from './parts.ts'
import { certificateShown } from './restored.ts'
import type { OpenRound } from './round/round.ts'
import type { Caller, FederationService, JoinReply, JoinRequest } from './services.ts'
import { readFrom } from './store/object-store.ts'

const dayMs = 24 * 60 * 60 * 1000

export function federationService(parts: Parts): FederationService {
  const { stream, clock, attending, uploads, studies, objects } = parts
  const siteOf = (caller: Caller) => {
    try {
      return checkCaller(stream.state, caller, clock.now())
    } catch (error) {
      if (errorCode(error) === 'coordinator-restored') certificateShown(parts, caller)
      throw error
    }
  }
  return {
    join: (request) => join(parts, request),
    renew: (caller, certificateRequest) => renew(parts, caller, certificateRequest),
    checkCaller(caller) {
      siteOf(caller)
    },
    attend(siteStream, hello) {
      siteOf(siteStream.caller)
      return attending.attend(siteStream, hello)
    },
    async studies(caller) {
      siteOf(caller)
      return Promise.all([...stream.state.studies.values()].map(async (record) => (await studies.load(record)).bytes))
    },
    async decide(caller, decision) {
      const events = await stream.change((state) =>
        decideStudy(state, checkCaller(state, caller, clock.now()), decision, clock.now()),
      )
      if (events.length > 0) parts.federationChanged()
    },
    async sayOfPartners(caller, word) {
      const events = await stream.change((state) =>
        sayOfPartners(state, checkCaller(state, caller, clock.now()), word, clock.now()),
      )
      if (events.length > 0) parts.federationChanged()
    },
    async pin(caller, sites) {
      siteOf(caller)
      attending.pinned(caller.site, sites)
    },
    async standOut(caller, of) {
      siteOf(caller)
      attending.stoodOut(caller.site, of)
    },
    async proveLog(caller, request) {
      siteOf(caller)
      return proveLog(parts, caller.site, request)
    },
    async fetch(caller, sha256, offset) {
      siteOf(caller)
      if (!mayFetch(parts, caller.site, sha256))
        throw new FederationError('permission-denied', `no study or round open to ${caller.site} names this object`)
      return readFrom(objects, sha256, offset)
    },
    async uploadOffset(caller, planHash) {
      siteOf(caller)
      return uploads.offset(caller.site, planHash)
    },
    async upload(caller, header, chunks) {
      siteOf(caller)
      return uploads.upload(caller.site, header, chunks)
    },
  }
}

async function join(parts: Parts, request: JoinRequest): Promise<JoinReply> {
  const { stream, clock, authority, identity, log } = parts
  let certificatePem = ''
  await stream.change(async (state) => {
    const now = clock.now()
    checkWhole(state)
    checkJoin(state, request, now)
    const issued = await authority.issueSiteCertificate(request.certificateRequest, request.site, validity(parts))
    certificatePem = issued.pem
    return [joined(request, { serial: issued.serial, expiresAt: issued.expiresAt.toISOString() }, now)]
  })
  log.info({ site: request.site }, 'a site joined')
  parts.federationChanged()
  return {
    certificatePem,
    authorityPem: authority.certificatePem,
    coordinatorPublicKey: identity.publicKey,
    federation: stream.state.name,
  }
}

async function renew(parts: Parts, caller: Caller, certificateRequest: Uint8Array): Promise<string> {
  const { stream, clock, authority } = parts
  let certificatePem = ''
  await stream.change(async (state) => {
    checkCaller(state, caller, clock.now())
    checkWhole(state)
    const issued = await authority.issueSiteCertificate(certificateRequest, caller.site, validity(parts))
    certificatePem = issued.pem
    const { serial, expiresAt } = issued
    const at = clock.now().toISOString()
    return [{ type: 'certificate-renewed', at, site: caller.site, serial, expiresAt: expiresAt.toISOString() }]
  })
  parts.federationChanged()
  return certificatePem
}

function validity({ clock, certificateDays }: Parts): { readonly notAfter: Date } {
  return { notAfter: new Date(clock.now().getTime() + certificateDays * dayMs) }
}

/** Graphs and initial parameters of every study on offer; global parameters of runs of the studies it approved. */
function mayFetch({ stream, studies, runs }: Parts, site: SiteName, sha256: Sha256): boolean {
  for (const { hash } of stream.state.studies.values()) {
    const manifest = studies.loaded(hash)?.signed.manifest
    if (manifest?.graph.sha256 === sha256 || manifest?.initialParameters.sha256 === sha256) return true
  }
  return [...runs.values()].some(
    ({ run }) =>
      stream.state.studies.get(run.study)?.decisions.get(site)?.decision === 'approve' &&
      (run.parameters === sha256 ||
        run.past.some(({ setting }) => setting.model === sha256) ||
        isSumFor(run.current, site, sha256)),
  )
}

/** The sum of a round is for its survivors to verify. */
function isSumFor(round: OpenRound | undefined, site: SiteName, sha256: Sha256): boolean {
  return round?.phase === 'verify' && round.judged.sums === sha256 && round.session.survivors.includes(site)
}
