/** What sites decide about studies: their signed approvals, their refusals later, and who may therefore take part. */
import { FederationError } from '@consilium/protos/errors.ts'
import { verifySignature } from '@consilium/protos/identity.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { shortReason } from '../round/events.ts'
import type { Presence } from '../round/presence.ts'
import type { StudyDecision } from '../services.ts'
import type { FederationEvent } from './events.ts'
import type { Federation, Site, StudyRecord } from './federation.ts'

/** Records a decision signed by the site's identity; the same decision again changes nothing. */
export function decideStudy(federation: Federation, site: Site, decision: StudyDecision, now: Date): FederationEvent[] {
  const study = findByHash(federation, decision.studyHash)
  const identity = Buffer.from(site.identityPublicKey ?? '', 'base64')
  const parts = [Buffer.from(decision.studyHash, 'hex'), Buffer.from(decision.decision)] as const
  if (!verifySignature(identity, decision.signature, 'decision', ...parts))
    throw new FederationError('signature-invalid', `the decision is not signed by the identity of site ${site.name}`)
  if (study.decisions.get(site.name)?.decision === decision.decision) return []
  return [
    {
      type: 'study-decided',
      at: now.toISOString(),
      study: study.hash,
      site: site.name,
      decision: decision.decision,
      reason: shortReason(decision.reason),
      signature: Buffer.from(decision.signature).toString('base64'),
    },
  ]
}

/** Records that a site cannot take part, whether or not it has told its approval; a rejection stands. */
export function refuseStudy(
  federation: Federation,
  site: SiteName,
  study: Sha256,
  reason: string,
  now: Date,
): FederationEvent[] {
  const record = federation.studies.get(study)
  if (!record || !['approve', undefined].includes(record.decisions.get(site)?.decision)) return []
  return [{ type: 'study-refused', at: now.toISOString(), study, site, reason: shortReason(reason) }]
}

/** Every site that decided about the study, and why it may not take part where it may not. */
export function standing(federation: Federation, hash: Sha256): Map<SiteName, Presence['excluded']> {
  const decisions = federation.studies.get(hash)?.decisions ?? []
  return new Map(
    [...decisions].map(([site, { decision }]) => {
      if (federation.sites.get(site)?.state !== 'enrolled') return [site, 'revoked']
      if (decision === 'refused') return [site, 'refused']
      return [site, decision === 'reject' ? 'withdrawn' : undefined]
    }),
  )
}

/** Studies to offer to a site: those it has not decided, and those it refused, for it may have mended its data. */
export function studiesToOffer(federation: Federation, site: SiteName): StudyRecord[] {
  return [...federation.studies.values()].filter(({ decisions }) => {
    const decision = decisions.get(site)?.decision
    return decision === undefined || decision === 'refused'
  })
}

/** The one study meant by its hash, the first digits of it, or its name; throws `not-found` or `invalid-argument`. */
export function findStudy(federation: Federation, reference: string): StudyRecord {
  const isPrefix = /^[0-9a-f]{8,64}$/.test(reference)
  const matches = [...federation.studies.values()].filter(
    ({ hash, name }) => name === reference || (isPrefix && hash.startsWith(reference)),
  )
  if (matches.length === 0)
    throw new FederationError('not-found', `there is no study ${reference}: see consilium study list`)
  if (matches.length > 1) {
    const hashes = matches.map(({ hash }) => hash.slice(0, 12)).join(', ')
    throw new FederationError(
      'invalid-argument',
      `${matches.length} studies are called ${reference}: name one of ${hashes}`,
    )
  }
  return matches[0]!
}

function findByHash(federation: Federation, hash: Sha256): StudyRecord {
  const study = federation.studies.get(hash)
  if (!study) throw new FederationError('not-found', `there is no study ${hash.slice(0, 12)} in this federation`)
  return study
}
