/** The messages of federation.proto to and from the domain's own types; what the coordinator sends is checked too. */
import type { LogProof, LogProofRequest, RosterSite } from '@consilium/protos/control-messages.ts'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import {
  bytesField,
  choiceField,
  hashBytes,
  hashField,
  invalid,
  listField,
  partnerWordField,
  rosterSitesField,
  runField,
  signedLedgerField,
  siteField,
  textField,
  wireSignedLedger,
} from '@consilium/protos/fields.ts'
import type { FromSite } from '@consilium/protos/gen/consilium/v1/FromSite.ts'
import type { LogProofReply__Output } from '@consilium/protos/gen/consilium/v1/LogProofReply.ts'
import type { LogProofRequest as WireLogProofRequest } from '@consilium/protos/gen/consilium/v1/LogProofRequest.ts'
import type { Pinned } from '@consilium/protos/gen/consilium/v1/Pinned.ts'
import type { ToSite__Output } from '@consilium/protos/gen/consilium/v1/ToSite.ts'
import {
  cohortMax,
  messageBytesMax,
  partnerChangeBytesMax,
  planBytesMax,
  proofHashesMax,
  reasonCharactersMax,
} from '@consilium/protos/limits.ts'
import { revocationsField, rotationsField, shownHeadField, wireKnownHeads } from '@consilium/protos/log/wire-heads.ts'
import { readSecureToSite, wireSecureFromSite } from '@consilium/protos/secagg/wire-messages.ts'
import { wireStandsOut } from '@consilium/protos/stood-out.ts'
import type { FromCoordinator, ToCoordinator } from './link.ts'

/** Throws `message-invalid` for a message with a field out of its bounds, or of a kind this agent does not know. */
export function fromCoordinator(wire: ToSite__Output): FromCoordinator | { readonly type: 'ping' } {
  return checked(() => readMessage(wire))
}

export function toCoordinator(message: ToCoordinator): FromSite {
  switch (message.type) {
    case 'progress':
      return { progress: { planHash: hashBytes(message.planHash), quarters: message.quarters } }
    case 'work-done':
      return { workDone: { planHash: hashBytes(message.planHash) } }
    case 'pinned':
      return { pinned: toPinned(message.sites) }
    case 'stands-out':
      return { standsOut: wireStandsOut(message.of) }
    case 'known-ledgers':
      return { knownLedgers: { ledgers: message.ledgers.map(wireSignedLedger) } }
    case 'known-heads':
      return { knownHeads: wireKnownHeads(message) }
    case 'refusal':
      return {
        refusal: {
          planHash: hashBytes(message.planHash ?? ''),
          studyHash: hashBytes(message.studyHash ?? ''),
          code: message.code,
        },
      }
    default:
      return wireSecureFromSite(message)
  }
}

export function toPinned(sites: readonly RosterSite[]): Pinned {
  return { sites: sites.map(({ site, publicKey }) => ({ site, identityPublicKey: publicKey })) }
}

/** The wire has one more than `seq`, so that 0 can stand for none. */
export function toLogProofRequest({ run, oldSize, newSize, seq }: LogProofRequest): WireLogProofRequest {
  return { run, oldSize, newSize, seq: seq === undefined ? 0 : seq + 1 }
}

/** Holds the entry where one was asked for, and none else. */
export function fromLogProofReply(wire: LogProofReply__Output, { seq }: LogProofRequest): LogProof {
  const { consistency, entry, inclusion } = wire
  return checked(() => {
    if (entry.length > 0 !== (seq !== undefined)) throw invalid('entry', 'the entry asked for, and no other')
    return {
      consistency: proofHashes(consistency, 'consistency'),
      inclusion: proofHashes(inclusion, 'inclusion'),
      ...(seq === undefined ? {} : { entry: bytesField(entry, 'entry', 1, messageBytesMax) }),
    }
  })
}

function readMessage(wire: ToSite__Output): ReturnType<typeof fromCoordinator> {
  if (wire.study)
    return { type: 'study', signedStudy: bytesField(wire.study.signedStudy, 'signed_study', 1, planBytesMax) }
  if (wire.roster) return { type: 'roster', sites: rosterSitesField(wire.roster.sites, 'sites', 1) }
  if (wire.coordinatorKeys)
    return { type: 'coordinator-keys', rotations: rotationsField(wire.coordinatorKeys.rotations, 1) }
  if (wire.shownHead) return { type: 'shown-head', ...shownHeadField(wire.shownHead) }
  if (wire.revoked) return { type: 'revoked', revocations: revocationsField(wire.revoked.revocations, 1) }
  if (wire.assignment) {
    const bytes = bytesField(wire.assignment.plan, 'plan', 1, planBytesMax)
    return { type: 'assignment', plan: { bytes, signature: bytesField(wire.assignment.signature, 'signature', 64) } }
  }
  if (wire.collectUpdates)
    return { type: 'collect-updates', planHash: hashField(wire.collectUpdates.planHash, 'plan_hash') }
  if (wire.roundOver) {
    const { planHash, outcome, reason } = wire.roundOver
    return {
      type: 'round-over',
      planHash: hashField(planHash, 'plan_hash'),
      outcome: choiceField(outcome, 'outcome', ['committed', 'failed', 'too-few-contributors', 'dropped']),
      reason: textField(reason, 'reason', reasonCharactersMax),
    }
  }
  if (wire.runOver) {
    const { run, outcome, reason } = wire.runOver
    return {
      type: 'run-over',
      run: runField(run),
      outcome: choiceField(outcome, 'outcome', ['finished', 'failed', 'cancelled']),
      reason: textField(reason, 'reason', reasonCharactersMax),
    }
  }
  if (wire.ledgerSeen) return { type: 'ledger-seen', ledger: signedLedgerField(wire.ledgerSeen, 'ledger_seen') }
  if (wire.partnerChange) {
    const { change, signature, words, heard } = wire.partnerChange
    return {
      type: 'partner-change',
      heard,
      signed: {
        bytes: bytesField(change, 'change', 1, partnerChangeBytesMax),
        signature: bytesField(signature, 'signature', 64),
      },
      words: listField(
        words,
        'words',
        2 * cohortMax,
        ({ site, word }, name) => ({ site: siteField(site, `${name}.site`), ...partnerWordField(word, name) }),
        0,
      ),
    }
  }
  if (wire.ping) return { type: 'ping' }
  const secure = readSecureToSite(wire)
  if (secure) return secure
  throw invalid('message', 'a kind of message that this agent knows')
}

function proofHashes(hashes: readonly Uint8Array[], field: string): Uint8Array[] {
  return listField(hashes, field, proofHashesMax, (hash, name) => bytesField(hash, name, 32), 0)
}

function checked<Message>(read: () => Message): Message {
  try {
    return read()
  } catch (cause) {
    throw new FederationError('message-invalid', `the coordinator sent a bad message: ${errorMessage(cause)}`, {
      cause,
    })
  }
}
