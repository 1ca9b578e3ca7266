/**
 * The messages of a secure round to and from secagg.proto, every field checked as it is read. Both ends use these, so that
 * neither can say what the other refuses to hear.
 */
import { bytesField, choiceField, countField, hashBytes, hashField, invalid, listField } from '../fields.ts'
import type { Advertise__Output as WireAdvertise } from '../gen/consilium/v1/Advertise.ts'
import type { Complaint__Output as WireComplaint } from '../gen/consilium/v1/Complaint.ts'
import type { Confirm__Output as WireConfirm } from '../gen/consilium/v1/Confirm.ts'
import type { Directory__Output as WireDirectory } from '../gen/consilium/v1/Directory.ts'
import type { FromSite__Output, FromSite as WireFromSite } from '../gen/consilium/v1/FromSite.ts'
import type { LogHead__Output as WireLogHead } from '../gen/consilium/v1/LogHead.ts'
import type { MaskedInput__Output, MaskedInput as WireMaskedInput } from '../gen/consilium/v1/MaskedInput.ts'
import type { Quorum__Output as WireQuorum } from '../gen/consilium/v1/Quorum.ts'
import type { Replay__Output as WireReplay } from '../gen/consilium/v1/Replay.ts'
import type { ShareKeys__Output as WireShareKeys } from '../gen/consilium/v1/ShareKeys.ts'
import type { Shares__Output as WireShares } from '../gen/consilium/v1/Shares.ts'
import type { Survivors__Output as WireSurvivors } from '../gen/consilium/v1/Survivors.ts'
import type { ToSite__Output, ToSite as WireToSite } from '../gen/consilium/v1/ToSite.ts'
import type { Unmask__Output as WireUnmask } from '../gen/consilium/v1/Unmask.ts'
import type { Verified__Output as WireVerified } from '../gen/consilium/v1/Verified.ts'
import type { VerifySum__Output as WireVerifySum } from '../gen/consilium/v1/VerifySum.ts'
import {
  advertisedBytesMax,
  cohortMax,
  logSizeMax,
  replayBytesMax,
  secureVectorsMax,
  sumInlineBytesMax,
} from '../limits.ts'
import type { LogHead } from '../log/head.ts'
import type {
  Advertise,
  Complaint,
  Confirm,
  Directory,
  MaskedInput,
  Quorum,
  SecureFromSite,
  SecureToSite,
  ShareKeysMessage,
  Shares,
  Survivors,
  Unmask,
  Verified,
  VerifySum,
} from './messages.ts'
import type { Replay } from './replay.ts'
import { complaintReasons, sealedShareBytes } from './signed-messages.ts'

/** Undefined for a message that is none of a secure round's; throws `message-invalid` naming the first bad field. */
export function readSecureFromSite(wire: FromSite__Output): SecureFromSite | undefined {
  if (wire.advertise) return advertise(wire.advertise)
  if (wire.shareKeys) return shareKeys(wire.shareKeys)
  if (wire.complaint) return complaint(wire.complaint)
  if (wire.confirm) return confirm(wire.confirm)
  if (wire.unmask) return unmask(wire.unmask)
  if (wire.verified) return { type: 'verified', ...verdict(wire.verified) }
  if (wire.sumNotVerified) return { type: 'sum-not-verified', ...verdict(wire.sumNotVerified) }
  return undefined
}

/** As {@link readSecureFromSite}, for what the coordinator says. */
export function readSecureToSite(wire: ToSite__Output): SecureToSite | undefined {
  if (wire.advertiseKeys)
    return { type: 'advertise-keys', planHash: hashField(wire.advertiseKeys.planHash, 'plan_hash') }
  if (wire.directory) return directory(wire.directory)
  if (wire.shares) return shares(wire.shares)
  if (wire.survivors) return survivors(wire.survivors)
  if (wire.quorum) return quorum(wire.quorum)
  if (wire.verifySum) return verifySum(wire.verifySum)
  return undefined
}

export function wireSecureFromSite(message: SecureFromSite): WireFromSite {
  const planHash = hashBytes(message.planHash)
  const { signature } = message
  switch (message.type) {
    case 'advertise':
      return { advertise: { planHash, body: message.body, signature } }
    case 'share-keys': {
      const { selfCommitment, groupCommitment, rows } = message
      return { shareKeys: { planHash, selfCommitment, groupCommitment, rows: [...rows], signature } }
    }
    case 'complaint':
      return { complaint: { planHash, against: message.against, reason: message.reason, signature } }
    case 'confirm':
      return { confirm: { planHash, signature } }
    case 'unmask':
      return { unmask: { planHash, revealed: [...message.revealed], signature } }
    case 'verified':
      return { verified: { planHash, ...wireMade(message), signature } }
    case 'sum-not-verified':
      return { sumNotVerified: { planHash, ...wireMade(message), signature } }
  }
}

export function wireSecureToSite(message: SecureToSite): WireToSite {
  const planHash = hashBytes(message.planHash)
  switch (message.type) {
    case 'advertise-keys':
      return { advertiseKeys: { planHash } }
    case 'directory':
      return { directory: { planHash, sites: [...message.sites] } }
    case 'shares': {
      const received = message.received.map(({ index, ...row }) => ({ from: index, ...row }))
      return { shares: { planHash, sharers: [...message.sharers], received } }
    }
    case 'survivors': {
      const { size, root } = message.logHead
      return {
        survivors: { planHash, survivors: [...message.survivors], logHead: { size, root: hashBytes(root) } },
      }
    }
    case 'quorum':
      return { quorum: { planHash, confirmations: [...message.confirmations] } }
    case 'verify-sum':
      return { verifySum: { planHash, ...wireMade(message), ...wireMadeOf(message) } }
  }
}

export function readMaskedInput({ root, vectorHashes, signature }: MaskedInput__Output): MaskedInput {
  return {
    root: bytesField(root, 'root', 32),
    vectorHashes: listField(vectorHashes, 'vector_hashes', secureVectorsMax, (hash, name) =>
      bytesField(hash, name, 32),
    ),
    signature: signatureField(signature),
  }
}

export function wireMaskedInput({ root, vectorHashes, signature }: MaskedInput): WireMaskedInput {
  return { root, vectorHashes: [...vectorHashes], signature }
}

function advertise({ planHash, body, signature }: WireAdvertise): Advertise {
  return {
    type: 'advertise',
    planHash: hashField(planHash, 'plan_hash'),
    body: bytesField(body, 'body', 1, advertisedBytesMax),
    signature: signatureField(signature),
  }
}

function directory({ planHash, sites }: WireDirectory): Directory {
  return {
    type: 'directory',
    planHash: hashField(planHash, 'plan_hash'),
    sites: siteList(sites, 'sites', ({ index, body, signature }, name) => ({
      index: indexField(index, `${name}.index`),
      body: bytesField(body, `${name}.body`, 1, advertisedBytesMax),
      signature: signatureField(signature, `${name}.signature`),
    })),
  }
}

function shareKeys(wire: WireShareKeys): ShareKeysMessage {
  const { planHash, selfCommitment, groupCommitment, rows, signature } = wire
  return {
    type: 'share-keys',
    planHash: hashField(planHash, 'plan_hash'),
    selfCommitment: bytesField(selfCommitment, 'self_commitment', 32),
    groupCommitment: bytesField(groupCommitment, 'group_commitment', 32),
    rows: siteList(rows, 'rows', (row, name) => ({
      ...commitments(row, name),
      index: indexField(row.index, `${name}.index`),
      // The sender's own row holds none; which row that is the phase checks.
      sealed: row.sealed.length === 0 ? row.sealed : bytesField(row.sealed, `${name}.sealed`, sealedShareBytes),
    })),
    signature: signatureField(signature),
  }
}

function shares({ planHash, sharers, received }: WireShares): Shares {
  return {
    type: 'shares',
    planHash: hashField(planHash, 'plan_hash'),
    sharers: siteList(sharers, 'sharers', ({ index, shareKeysHash, signature }, name) => ({
      index: indexField(index, `${name}.index`),
      shareKeysHash: bytesField(shareKeysHash, `${name}.share_keys_hash`, 32),
      signature: signatureField(signature, `${name}.signature`),
    })),
    received: siteList(received, 'received', (row, name) => ({
      ...commitments(row, name),
      index: indexField(row.from, `${name}.from`),
      sealed: bytesField(row.sealed, `${name}.sealed`, sealedShareBytes),
      groupCommitment: bytesField(row.groupCommitment, `${name}.group_commitment`, 32),
    })),
  }
}

function complaint({ planHash, against, reason, signature }: WireComplaint): Complaint {
  return {
    type: 'complaint',
    planHash: hashField(planHash, 'plan_hash'),
    against: indexField(against, 'against'),
    reason: choiceField(reason, 'reason', complaintReasons),
    signature: signatureField(signature),
  }
}

function survivors({ planHash, survivors: list, logHead: head }: WireSurvivors): Survivors {
  return {
    type: 'survivors',
    planHash: hashField(planHash, 'plan_hash'),
    survivors: siteList(list, 'survivors', ({ index, root, signature }, name) => ({
      index: indexField(index, `${name}.index`),
      root: bytesField(root, `${name}.root`, 32),
      signature: signatureField(signature, `${name}.signature`),
    })),
    logHead: logHead(head),
  }
}

function logHead(head: WireLogHead | null): LogHead {
  if (!head) throw invalid('log_head', 'the head of the log')
  return { size: countField(head.size, 'log_head.size', logSizeMax), root: hashField(head.root, 'log_head.root') }
}

function confirm({ planHash, signature }: WireConfirm): Confirm {
  return { type: 'confirm', planHash: hashField(planHash, 'plan_hash'), signature: signatureField(signature) }
}

function quorum({ planHash, confirmations }: WireQuorum): Quorum {
  return {
    type: 'quorum',
    planHash: hashField(planHash, 'plan_hash'),
    confirmations: siteList(confirmations, 'confirmations', ({ index, signature }, name) => ({
      index: indexField(index, `${name}.index`),
      signature: signatureField(signature, `${name}.signature`),
    })),
  }
}

function unmask({ planHash, revealed, signature }: WireUnmask): Unmask {
  return {
    type: 'unmask',
    planHash: hashField(planHash, 'plan_hash'),
    revealed: siteList(revealed, 'revealed', ({ index, kind, share }, name) => ({
      index: indexField(index, `${name}.index`),
      kind: choiceField(kind, `${name}.kind`, ['s', 'b']),
      share: bytesField(share, `${name}.share`, 32),
    })),
    signature: signatureField(signature),
  }
}

function verifySum(wire: WireVerifySum): VerifySum {
  const words = bytesField(wire.words, 'words', 0, sumInlineBytesMax)
  const replay = wire.replay ? { replay: replayField(wire.replay) } : {}
  return { type: 'verify-sum', ...made(wire), ...(words.length > 0 && { words }), ...replay }
}

function replayField({ selfSeeds, maskSecretKeys, uploads }: WireReplay): Replay {
  const keys = (list: readonly Uint8Array[], field: string, least: number) =>
    listField(list, `replay.${field}`, cohortMax, (key, name) => bytesField(key, name, 32), least)
  const bytes = uploads.reduce((sum, { length }) => sum + length, 0)
  if (bytes > replayBytesMax) throw invalid('replay.uploads', `at most ${replayBytesMax} bytes together`)
  return {
    selfSeeds: keys(selfSeeds, 'self_seeds', 1),
    maskSecretKeys: keys(maskSecretKeys, 'mask_secret_keys', 0),
    uploads: listField(uploads, 'replay.uploads', cohortMax, (upload, name) =>
      bytesField(upload, name, 1, replayBytesMax),
    ),
  }
}

function wireMadeOf({ words, replay }: VerifySum) {
  const lists = replay && {
    selfSeeds: [...replay.selfSeeds],
    maskSecretKeys: [...replay.maskSecretKeys],
    uploads: [...replay.uploads],
  }
  return { ...(words && { words }), ...(lists && { replay: lists }) }
}

function verdict(wire: WireVerified): Omit<Verified, 'type'> {
  return { ...made(wire), signature: signatureField(wire.signature) }
}

function made(wire: Pick<WireVerified, 'planHash' | 'sums' | 'made'>): Omit<VerifySum, 'type' | 'words' | 'replay'> {
  return {
    planHash: hashField(wire.planHash, 'plan_hash'),
    sums: hashField(wire.sums, 'sums'),
    made: hashField(wire.made, 'made'),
  }
}

function wireMade({ sums, made }: Pick<VerifySum, 'sums' | 'made'>) {
  return { sums: hashBytes(sums), made: hashBytes(made) }
}

function commitments(row: { readonly keyCommitment: Uint8Array; readonly selfCommitment: Uint8Array }, name: string) {
  return {
    keyCommitment: bytesField(row.keyCommitment, `${name}.key_commitment`, 32),
    selfCommitment: bytesField(row.selfCommitment, `${name}.self_commitment`, 32),
  }
}

/** Sites in ascending order of their indices, each once. */
function siteList<Wire, Item extends { readonly index: number }>(
  list: readonly Wire[],
  field: string,
  read: (wire: Wire, name: string) => Item,
): Item[] {
  const items = listField(list, field, cohortMax, read)
  items.forEach(({ index }, i) => {
    if (i > 0 && index <= items[i - 1]!.index)
      throw invalid(`${field}[${i}]`, 'a site after the one before it, each once')
  })
  return items
}

function indexField(index: number, field: string): number {
  if (!Number.isInteger(index) || index < 1 || index > cohortMax)
    throw invalid(field, `an index from 1 to ${cohortMax}`)
  return index
}

function signatureField(signature: Uint8Array, field = 'signature'): Uint8Array {
  return bytesField(signature, field, 64)
}
