/** Sites, studies and the coordinator's key as the operator's edges show them. */
import { fingerprint } from '@consilium/protos/identity.ts'
import { partnerPurposes } from '@consilium/protos/plan/partner-change.ts'
import type { Partners } from '../run/state.ts'
import type { KeyView, SiteView, StudyView } from '../services.ts'
import type { LoadedStudy } from '../study/studies.ts'
import { signedOf } from './change-record.ts'
import type { Federation, Site, StudyRecord } from './federation.ts'
import { standingOf } from './partner-changes.ts'

export function siteView(site: Site, attending: boolean, standsOut: SiteView['standsOut'] = []): SiteView {
  const { name, state, identityPublicKey, certificates, joinedAt, revokedReason } = site
  return {
    name,
    state,
    attending,
    fingerprint: identityPublicKey ? fingerprint(Buffer.from(identityPublicKey, 'base64')) : '',
    certificateExpiresAt: certificates[0]?.expiresAt ?? '',
    joinedAt,
    revokedReason,
    standsOut,
  }
}

export function keyView({ coordinatorPublicKey, rotations }: Federation): KeyView {
  const fingerprintOf = (key: string) => fingerprint(Buffer.from(key, 'base64'))
  return {
    fingerprint: fingerprintOf(coordinatorPublicKey),
    rotations: rotations.map(({ at, oldPublicKey, newPublicKey }) => ({
      at,
      from: fingerprintOf(oldPublicKey),
      to: fingerprintOf(newPublicKey),
    })),
  }
}

export function studyView(study: StudyRecord, { bytes, signed }: LoadedStudy, partners: Partners): StudyView {
  return {
    hash: study.hash,
    name: study.name,
    title: signed.manifest.study.title,
    leadFingerprint: study.lead,
    createdAt: study.createdAt,
    decisions: [...study.decisions].map(([site, { decision, reason, at }]) => ({ site, decision, reason, at })),
    partners: partnerPurposes.flatMap((purpose) => {
      const sites = partners[purpose]
      return sites ? [{ purpose, sites }] : []
    }),
    partnerChanges: study.changes.map((changed) => ({
      change: signedOf(changed).bytes,
      at: changed.at,
      ...standingOf(study, changed),
    })),
    signedStudy: bytes,
  }
}
