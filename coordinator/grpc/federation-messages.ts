/** The messages of federation.proto to and from the domain's own types, with every field checked. */

import type { LogProof, LogProofRequest, RosterSite } from '@consilium/protos/control-messages.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import {
  bytesField,
  choiceField,
  countField,
  hashBytes,
  hashField,
  invalid,
  listField,
  rosterSitesField,
  runField,
  signedLedgerField,
  siteField,
  textField,
  wirePartnerWord,
  wireSignedLedger,
} from '@consilium/protos/fields.ts'
import type { FromSite__Output } from '@consilium/protos/gen/consilium/v1/FromSite.ts'
import type { Hello__Output } from '@consilium/protos/gen/consilium/v1/Hello.ts'
import type { JoinRequest__Output } from '@consilium/protos/gen/consilium/v1/JoinRequest.ts'
import type { LogProofReply } from '@consilium/protos/gen/consilium/v1/LogProofReply.ts'
import type { LogProofRequest__Output } from '@consilium/protos/gen/consilium/v1/LogProofRequest.ts'
import type { Pinned__Output } from '@consilium/protos/gen/consilium/v1/Pinned.ts'
import type { Refusal__Output } from '@consilium/protos/gen/consilium/v1/Refusal.ts'
import type { StudyDecision__Output } from '@consilium/protos/gen/consilium/v1/StudyDecision.ts'
import type { ToSite as WireToSite } from '@consilium/protos/gen/consilium/v1/ToSite.ts'
import type { UploadPart__Output } from '@consilium/protos/gen/consilium/v1/UploadPart.ts'
import {
  chunkBytesMax,
  earlierStreamsMax,
  knownLedgersMax,
  logSizeMax,
  reasonCharactersMax,
  streamNonceBytes,
} from '@consilium/protos/limits.ts'
import { knownHeadsField, wireRevocations, wireShownHead } from '@consilium/protos/log/wire-heads.ts'
import { roundPlanFormat } from '@consilium/protos/plan/round-plan.ts'
import { isRefusalCode } from '@consilium/protos/refusal-codes.ts'
import { readMaskedInput, readSecureFromSite, wireSecureToSite } from '@consilium/protos/secagg/wire-messages.ts'
import { standsOutField } from '@consilium/protos/stood-out.ts'
import type { FromSite, Hello, JoinRequest, StudyDecision, ToSite, UploadHeader } from '../services.ts'

const certificateRequestBytesMax = 8 * 1024

export function joinRequest(wire: JoinRequest__Output): JoinRequest {
  return {
    site: siteField(wire.site),
    secret: bytesField(wire.secret, 'secret', 32, 32),
    certificateRequest: certificateRequest(wire.certificateRequest),
    identityPublicKey: bytesField(wire.identityPublicKey, 'identity_public_key', 32, 32),
    identitySignature: bytesField(wire.identitySignature, 'identity_signature', 64, 64),
  }
}

export function certificateRequest(bytes: Uint8Array): Uint8Array {
  return bytesField(bytes, 'certificate_request', 1, certificateRequestBytesMax)
}

export function fromSite(wire: FromSite__Output): FromSite {
  if (wire.hello) return hello(wire.hello)
  if (wire.progress)
    return {
      type: 'progress',
      planHash: hashField(wire.progress.planHash, 'plan_hash'),
      quarters: countField(wire.progress.quarters, 'quarters', 4),
    }
  if (wire.workDone) return { type: 'work-done', planHash: hashField(wire.workDone.planHash, 'plan_hash') }
  if (wire.pinned) return { type: 'pinned', sites: pinned(wire.pinned) }
  if (wire.standsOut) return { type: 'stands-out', of: standsOutField(wire.standsOut) }
  if (wire.knownLedgers)
    return {
      type: 'known-ledgers',
      ledgers: listField(wire.knownLedgers.ledgers, 'ledgers', knownLedgersMax, signedLedgerField),
    }
  if (wire.knownHeads) return { type: 'known-heads', ...knownHeadsField(wire.knownHeads) }
  if (wire.pong) return { type: 'pong' }
  if (wire.refusal) return refusal(wire.refusal)
  const secure = readSecureFromSite(wire)
  if (secure) return secure
  throw invalid('message', 'a kind of message that this coordinator knows')
}

function hello({ agentVersion, nonce, earlier, planFormat }: Hello__Output): Hello {
  const version = textField(agentVersion, 'agent_version', 100)
  if (planFormat !== roundPlanFormat)
    throw new FederationError(
      'version-unsupported',
      `this agent (${version}) works on round plans of format ${planFormat || 1}, the coordinator makes format ${roundPlanFormat}: bring both to the same version`,
    )
  const nonceField = (bytes: Uint8Array, field: string) =>
    Buffer.from(bytesField(bytes, field, streamNonceBytes)).toString('hex')
  return {
    type: 'hello',
    agentVersion: version,
    nonce: nonceField(nonce, 'nonce'),
    earlier: listField(earlier, 'earlier', earlierStreamsMax, nonceField, 0),
  }
}

/** A site may have pinned none. */
export function pinned({ sites }: Pinned__Output): readonly RosterSite[] {
  return rosterSitesField(sites, 'sites', 0)
}

function refusal(wire: Refusal__Output): FromSite {
  if (wire.planHash.length > 0 === wire.studyHash.length > 0) throw invalid('refusal', 'either plan_hash or study_hash')
  if (!isRefusalCode(wire.code)) throw invalid('code', 'a code of a refusal')
  return {
    type: 'refusal',
    ...(wire.planHash.length > 0
      ? { planHash: hashField(wire.planHash, 'plan_hash') }
      : { studyHash: hashField(wire.studyHash, 'study_hash') }),
    code: wire.code,
  }
}

export function studyDecision(wire: StudyDecision__Output): StudyDecision {
  return {
    studyHash: hashField(wire.studyHash, 'study_hash'),
    decision: choiceField(wire.decision, 'decision', ['approve', 'reject']),
    reason: textField(wire.reason, 'reason', reasonCharactersMax),
    signature: bytesField(wire.signature, 'signature', 64, 64),
  }
}

export function logProofRequest({ run, oldSize, newSize, seq }: LogProofRequest__Output): LogProofRequest {
  const size = countField(newSize, 'new_size', logSizeMax)
  // The wire has one more, so that 0 can stand for none.
  const seqPlusOne = countField(seq, 'seq', size)
  return {
    run: runField(run),
    oldSize: countField(oldSize, 'old_size', size),
    newSize: size,
    ...(seqPlusOne > 0 ? { seq: seqPlusOne - 1 } : {}),
  }
}

export function logProofReply({ consistency, entry, inclusion }: LogProof): LogProofReply {
  return { consistency: [...consistency], inclusion: [...inclusion], ...(entry ? { entry } : {}) }
}

export function uploadHeader(part: UploadPart__Output | undefined): UploadHeader {
  if (!part?.header) throw invalid('part', 'a header first')
  const size = countField(part.header.size, 'size')
  const { masked } = part.header
  return {
    planHash: hashField(part.header.planHash, 'plan_hash'),
    sha256: hashField(part.header.sha256, 'sha256'),
    size,
    offset: countField(part.header.offset, 'offset', size),
    ...(masked ? { masked: readMaskedInput(masked) } : {}),
  }
}

export function uploadChunk(part: UploadPart__Output): Uint8Array {
  return bytesField(part.chunk, 'chunk', 1, chunkBytesMax)
}

export function toSite(message: ToSite): WireToSite {
  switch (message.type) {
    case 'study':
      return { study: { signedStudy: message.signedStudy } }
    case 'roster': {
      const sites = message.sites.map(({ site, publicKey }) => ({ site, identityPublicKey: publicKey }))
      return { roster: { sites } }
    }
    case 'coordinator-keys':
      return { coordinatorKeys: { rotations: [...message.rotations] } }
    case 'assignment':
      return { assignment: { plan: message.plan.bytes, signature: message.plan.signature } }
    case 'ledger-seen':
      return { ledgerSeen: wireSignedLedger(message.ledger) }
    case 'partner-change': {
      const { bytes: change, signature } = message.signed
      const words = message.words.map((said) => ({ site: said.site, word: wirePartnerWord(said) }))
      return { partnerChange: { change, signature, words, heard: message.heard } }
    }
    case 'shown-head':
      return { shownHead: wireShownHead(message) }
    case 'revoked':
      return { revoked: { revocations: wireRevocations(message.revocations) } }
    case 'ping':
      return { ping: {} }
    case 'collect-updates':
      return { collectUpdates: { planHash: hashBytes(message.planHash) } }
    case 'round-over':
      return {
        roundOver: { planHash: hashBytes(message.planHash), outcome: message.outcome, reason: message.reason },
      }
    case 'run-over':
      return { runOver: { run: message.run, outcome: message.outcome, reason: message.reason } }
    default:
      return wireSecureToSite(message)
  }
}
