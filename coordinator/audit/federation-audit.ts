/**
 * The federation's stream as an auditor reads it: the coordinator's key and how it was handed on, the sites' identities,
 * the study of one run, who approved it by signature, and how the run's own stream is anchored.
 */
import { verifySignature } from '@consilium/protos/identity.ts'
import { assertRotation } from '@consilium/protos/key-rotation.ts'
import { type Checkpoint, verifyCheckpoint } from '@consilium/protos/log/checkpoint.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { verifyRecovery } from '@consilium/protos/recovery.ts'
import type { FederationEvent, FederationEventOf } from '../federation/events.ts'
import { fromBase64, present, require } from './refuse.ts'
import { type AuditRoster, isNamedBy } from './roster.ts'

export type FederationAudit = {
  readonly name: string
  /** The coordinator's keys, each signed over to the next; the last one is in use. */
  readonly coordinatorKeys: readonly Uint8Array[]
  /** How the federation's stream anchors the run; absent while the run goes on. */
  readonly anchor: FederationEventOf<'run-ended'> | undefined
  take(event: FederationEvent): void
  /** Throws `log-broken` where the roster names none of the coordinator's keys. */
  checkCoordinator(): void
  checkCheckpoint(checkpoint: Checkpoint): void
  runRecord(): FederationEventOf<'run-created'>
  /** Object that holds the signed study. */
  studyObject(study: Sha256): Sha256
  /** The identity under which the site is named by the roster; throws `log-broken` for a site that is not. */
  identityOf(site: SiteName): Uint8Array
  /** Changes of the partners of a study, and what sites said of them, in order. */
  partnerEvents(study: Sha256): readonly PartnerEvent[]
  /** Throws `log-broken` unless the site approved the study with that identity. */
  checkApproved(site: SiteName, study: Sha256): void
}

export type PartnerEvent = FederationEventOf<'partners-changed' | 'partners-said'>

export function auditFederation(run: RunId, roster: AuditRoster): FederationAudit {
  const keys: Uint8Array[] = []
  let name = ''
  const identities = new Map<SiteName, Uint8Array[]>()
  const studies = new Map<Sha256, Sha256>()
  const partners: PartnerEvent[] = []
  const approvals = new Map<SiteName, FederationEventOf<'study-decided'>[]>()
  let record: FederationEventOf<'run-created'> | undefined
  let anchor: FederationEventOf<'run-ended'> | undefined

  function take(event: FederationEvent): void {
    require((event.type === 'federation-created') ===
      (keys.length === 0), 'a federation begins with its creation, once')
    switch (event.type) {
      case 'federation-created':
        name = event.name
        keys.push(fromBase64(event.coordinatorPublicKey))
        return
      case 'coordinator-key-rotated':
        keys.push(rotatedKey(present(keys.at(-1), 'no key to rotate'), event))
        return
      case 'coordinator-recovered': {
        const key = present(keys.at(-1), 'no key to recover with')
        const isSigned = verifyRecovery(key, { ...event, signature: fromBase64(event.signature) })
        require(isSigned, `the recovery of ${event.at} is not signed by the coordinator`)
        return
      }
      case 'site-joined':
        identities.set(event.site, [...(identities.get(event.site) ?? []), fromBase64(event.identityPublicKey)])
        return
      case 'study-created':
        studies.set(event.study, event.signedStudy)
        return
      case 'study-decided':
        if (event.decision === 'approve') approvals.set(event.site, [...(approvals.get(event.site) ?? []), event])
        return
      case 'partners-changed':
      case 'partners-said':
        partners.push(event)
        return
      case 'run-created':
        if (event.run !== run) return
        require(record === undefined, `run ${run} is created a second time`)
        record = event
        return
      case 'run-ended':
        if (event.run !== run) return
        require(record !== undefined && anchor === undefined, `run ${run} ends without having gone on`)
        anchor = event
        return
    }
  }

  function identityOf(site: SiteName): Uint8Array {
    const named = present(roster.sites[site], `site ${site} is not in the roster`)
    const joined = identities.get(site) ?? []
    return present(
      joined.find((key) => isNamedBy(named, key)),
      `no site joined as ${site} with the key that the roster names`,
    )
  }

  return {
    get name() {
      return name
    },
    coordinatorKeys: keys,
    get anchor() {
      return anchor
    },
    take,
    checkCoordinator() {
      require(keys.some((key) => isNamedBy(roster.coordinator, key)), "the coordinator's key is not the roster's")
    },
    checkCheckpoint(checkpoint) {
      const key = present(keys.at(-1), 'the stream of the federation is empty')
      require(verifyCheckpoint(
        key,
        checkpoint,
      ), `the checkpoint of ${checkpoint.stream} is not signed by the coordinator`)
    },
    runRecord: () => present(record, `the federation has no run ${run}`),
    studyObject: (study) => present(studies.get(study), `the federation has no study ${study}`),
    identityOf,
    partnerEvents: (study) => partners.filter((event) => event.study === study),
    checkApproved(site, study) {
      const key = identityOf(site)
      const signed = (approvals.get(site) ?? []).some(
        (decided) =>
          decided.study === study &&
          verifySignature(
            key,
            fromBase64(decided.signature),
            'decision',
            Buffer.from(study, 'hex'),
            Buffer.from('approve'),
          ),
      )
      require(signed, `site ${site} never approved the study with its key`)
    },
  }
}

/** Throws `signature-invalid` where the key before did not hand itself on to this one. */
function rotatedKey(key: Uint8Array, event: FederationEventOf<'coordinator-key-rotated'>): Uint8Array {
  const newPublicKey = fromBase64(event.newPublicKey)
  assertRotation(key, {
    oldPublicKey: fromBase64(event.oldPublicKey),
    newPublicKey,
    oldSignature: fromBase64(event.oldSignature),
    newSignature: fromBase64(event.newSignature),
  })
  return newPublicKey
}
