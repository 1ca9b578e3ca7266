/** The federation as the fold of its events: sites and their certificates, studies and what sites decided, runs. Pure. */
import { runOf } from '@consilium/protos/log/model-entry.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PartnerWord, SitesPartnerWord } from '@consilium/protos/plan/partner-change.ts'
import { type ChangeRecord, changeRecord } from './change-record.ts'
import type { FederationEvent, FederationEventOf } from './events.ts'

export type Federation = {
  /** Empty until the federation is created. */
  readonly name: string
  /** Ed25519, base64: what sites pinned, or followed {@link rotations} to. */
  readonly coordinatorPublicKey: string
  /** Oldest first. */
  readonly rotations: readonly RotationRecord[]
  /** SHA-256 of the certificate authority's certificate. */
  readonly authority: Sha256
  readonly sites: ReadonlyMap<SiteName, Site>
  /** In the order of their creation. */
  readonly studies: ReadonlyMap<Sha256, StudyRecord>
  readonly runs: ReadonlyMap<RunId, RunRecord>
  /** 1, and one more with each recovery from an old copy. */
  readonly epoch: number
  /** Oldest first. */
  readonly recoveries: readonly RecoveryRecord[]
  /** What sites proved to be missing from this log, and nobody has recovered it since. */
  readonly losses: readonly LossRecord[]
  /** Every identity that was revoked, oldest first. */
  readonly revocations: readonly RevocationRecord[]
  /** Names of runs that were lost with a part of this log: none is used again. */
  readonly lostRuns: ReadonlySet<RunId>
}

export type Site = {
  readonly name: SiteName
  readonly state: 'invited' | 'enrolled' | 'revoked'
  /** The last one counts; those before it tell a used code from an invented one. */
  readonly invitations: readonly Invitation[]
  /** Ed25519, base64; absent until it joined. */
  readonly identityPublicKey?: string
  /** The newest first. The one before it is good until it expires: a site may have lost the reply to its renewal. */
  readonly certificates: readonly Certificate[]
  readonly joinedAt: string
  readonly revokedReason: string
  /** The epoch of the log in which it joined. */
  readonly joinedEpoch: number
  /** Of every certificate it ever had. */
  readonly serials: readonly string[]
}

export type Invitation = { readonly secretHash: Sha256; readonly expiresAtMs: number; readonly used: boolean }
export type Certificate = { readonly serial: string; readonly expiresAt: string }

export type StudyRecord = {
  readonly hash: Sha256
  readonly name: string
  readonly lead: string
  readonly signedStudy: Sha256
  readonly createdAt: string
  readonly decisions: ReadonlyMap<SiteName, Decision>
  /** Of its partners, in their order; and what sites said of them. */
  readonly changes: readonly ChangeRecord[]
  readonly words: readonly SitesPartnerWord[]
}

export type Decision = {
  readonly decision: 'approve' | 'reject' | 'refused'
  readonly reason: string
  readonly at: string
}

export type RotationRecord = FederationEventOf<'coordinator-key-rotated'>

export type RecoveryRecord = FederationEventOf<'coordinator-recovered'>
export type LossRecord = FederationEventOf<'loss-proven'>

export type RevocationRecord = {
  readonly site: SiteName
  /** Ed25519, base64. */
  readonly publicKey: string
  readonly epoch: number
  readonly at: string
}

export type RunRecord = FederationEventOf<'run-created'> & { readonly ended?: FederationEventOf<'run-ended'> }

export const emptyFederation: Federation = {
  name: '',
  coordinatorPublicKey: '',
  rotations: [],
  authority: '',
  sites: new Map(),
  studies: new Map(),
  runs: new Map(),
  epoch: 1,
  recoveries: [],
  losses: [],
  revocations: [],
  lostRuns: new Set(),
}

export function evolveFederation(federation: Federation, event: FederationEvent): Federation {
  switch (event.type) {
    case 'federation-created':
      return {
        ...federation,
        name: event.name,
        coordinatorPublicKey: event.coordinatorPublicKey,
        authority: event.authority,
      }
    case 'coordinator-key-rotated':
      return {
        ...federation,
        coordinatorPublicKey: event.newPublicKey,
        rotations: [...federation.rotations, event],
      }
    case 'site-invited':
    case 'site-joined':
    case 'certificate-renewed':
    case 'site-revoked': {
      const before = federation.sites.get(event.site) ?? newSite(event.site)
      const site = evolveSite(before, event, federation.epoch)
      const sites = new Map([...federation.sites, [event.site, site]])
      const revocations = [...federation.revocations, ...revocationIn(before, event, federation.epoch)]
      // Whoever joins under this name has an identity of its own, and approves for itself.
      return event.type === 'site-joined'
        ? withoutDecisions({ ...federation, sites }, event.site)
        : { ...federation, sites, revocations }
    }
    case 'study-created': {
      const { study: hash, name, lead, signedStudy, at: createdAt } = event
      const record = { hash, name, lead, signedStudy, createdAt, decisions: new Map(), changes: [], words: [] }
      return { ...federation, studies: new Map([...federation.studies, [hash, record]]) }
    }
    case 'study-decided':
    case 'study-refused':
      return withDecision(federation, event)
    case 'partners-changed':
      return withStudy(federation, event.study, (study) => ({ changes: [...study.changes, changeRecord(event)] }))
    case 'partners-said':
      return withStudy(federation, event.study, (study) => ({ words: [...study.words, wordOf(event)] }))
    case 'run-created':
      return { ...federation, runs: new Map([...federation.runs, [event.run, event]]) }
    case 'run-ended': {
      const run = federation.runs.get(event.run)
      return run
        ? { ...federation, runs: new Map([...federation.runs, [event.run, { ...run, ended: event }]]) }
        : federation
    }
    case 'loss-proven':
      return withLoss(federation, event)
    case 'coordinator-recovered': {
      const sites = new Map([...federation.sites].map(([name, site]) => [name, withoutInvitation(site)]))
      const recoveries = [...federation.recoveries, event]
      return { ...federation, sites, epoch: event.epoch, recoveries, losses: [] }
    }
  }
}

/** A later proof about the same replaces the earlier; what an epoch of before lost asks for nothing but its names. */
function withLoss(federation: Federation, event: LossRecord): Federation {
  const { lost } = event
  const run = lost.what === 'entries' ? runOf(lost.stream) : undefined
  const lostRuns =
    run !== undefined && !federation.runs.has(run) ? new Set([...federation.lostRuns, run]) : federation.lostRuns
  if ('epoch' in lost && lost.epoch < federation.epoch) return { ...federation, lostRuns }
  const others = federation.losses.filter((known) => lossKey(known.lost) !== lossKey(lost))
  return { ...federation, lostRuns, losses: [...others, event] }
}

/** The same for two proofs of which the later says all that the earlier does. */
export function lossKey(lost: LossRecord['lost']): string {
  switch (lost.what) {
    case 'entries':
      return lost.stream
    case 'revocation':
      return `revocation of ${lost.site} ${lost.publicKey} ${lost.revokedAt}`
    case 'key':
      return `key ${lost.publicKey}`
    case 'certificate':
      return `certificate of ${lost.site}`
  }
}

/** Codes of before a recovery may have been used since the copy was made. */
function withoutInvitation(site: Site): Site {
  return { ...site, invitations: site.invitations.map((invitation) => ({ ...invitation, expiresAtMs: 0 })) }
}

function revocationIn(before: Site, event: SiteEvent, epoch: number): RevocationRecord[] {
  if (event.type !== 'site-revoked' || before.identityPublicKey === undefined) return []
  const { site, at, proven } = event
  return [{ site, publicKey: before.identityPublicKey, ...(proven ?? { epoch, at }) }]
}

function newSite(name: SiteName): Site {
  return {
    ...{ name, state: 'invited', invitations: [], certificates: [], joinedAt: '', revokedReason: '' },
    ...{ joinedEpoch: 1, serials: [] },
  }
}

type SiteEvent = FederationEventOf<'site-invited' | 'site-joined' | 'certificate-renewed' | 'site-revoked'>

function evolveSite(site: Site, event: SiteEvent, epoch: number): Site {
  switch (event.type) {
    case 'site-invited': {
      const invitation = { secretHash: event.secretHash, expiresAtMs: Date.parse(event.expiresAt), used: false }
      return { ...site, state: 'invited', invitations: [...site.invitations, invitation] }
    }
    case 'site-joined':
      return {
        ...site,
        state: 'enrolled',
        invitations: site.invitations.map((invitation) =>
          invitation.secretHash === event.secretHash ? { ...invitation, used: true } : invitation,
        ),
        identityPublicKey: event.identityPublicKey,
        certificates: [{ serial: event.serial, expiresAt: event.expiresAt }],
        joinedAt: event.at,
        revokedReason: '',
        joinedEpoch: epoch,
        serials: [...site.serials, event.serial],
      }
    case 'certificate-renewed': {
      const renewed = { serial: event.serial, expiresAt: event.expiresAt }
      const serials = [...site.serials, event.serial]
      return { ...site, certificates: [renewed, ...site.certificates.slice(0, 1)], serials }
    }
    case 'site-revoked':
      return { ...site, state: 'revoked', certificates: [], revokedReason: event.reason }
  }
}

function withStudy(
  federation: Federation,
  hash: Sha256,
  change: (study: StudyRecord) => Partial<StudyRecord>,
): Federation {
  const study = federation.studies.get(hash)
  if (!study) return federation
  return { ...federation, studies: new Map([...federation.studies, [hash, { ...study, ...change(study) }]]) }
}

function wordOf(event: FederationEventOf<'partners-said'>): SitesPartnerWord {
  const { type: _, at: __, signature, ...said } = event
  return { ...said, signature: Buffer.from(signature, 'base64') } as PartnerWord & { readonly site: SiteName }
}

function withDecision(federation: Federation, event: FederationEventOf<'study-decided' | 'study-refused'>): Federation {
  const { reason, at } = event
  const decided: Decision = { decision: event.type === 'study-decided' ? event.decision : 'refused', reason, at }
  return withStudy(federation, event.study, ({ decisions }) => ({
    decisions: new Map<SiteName, Decision>([...decisions, [event.site, decided]]),
  }))
}

function withoutDecisions(federation: Federation, site: SiteName): Federation {
  const studies = [...federation.studies].map(([hash, study]) => {
    const decisions = new Map([...study.decisions].filter(([name]) => name !== site))
    return [hash, { ...study, decisions }] as const
  })
  return { ...federation, studies: new Map(studies) }
}
