/**
 * The signed messages that are too wide for the event log, as objects that events name by their hash: ShareKeys and Unmask,
 * in canonical JSON with bytes in base64. Those of rounds under way stay in memory, for every site is sent a part of each.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { cohortMax } from '@consilium/protos/limits.ts'
import { base64Schema, type Sha256, sha256Schema } from '@consilium/protos/plan/names.ts'
import { parseJson } from '@consilium/protos/plan/signed-study.ts'
import type { ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import { sealedShareBytes } from '@consilium/protos/secagg/signed-messages.ts'
import { z } from 'zod'
import type { ObjectStore } from '../store/object-store.ts'

export type StoredMessages = {
  /** Durable once resolved; rejects with `message-invalid` for what no site may send. */
  put(message: ShareKeysMessage | Unmask): Promise<Sha256>
  /** Rejects with `not-found` or `hash-mismatch`, or with `message-invalid` where the object is no such message. */
  shareKeys(object: Sha256): Promise<ShareKeysMessage>
  unmask(object: Sha256): Promise<Unmask>
  /** Those that were put, or read before: what a message to a site is made of at once. */
  loaded(object: Sha256): ShareKeysMessage | undefined
  /** The round of the plan is over: its messages stay as objects. */
  forget(planHash: Sha256): void
}

export function openStoredMessages(objects: ObjectStore): StoredMessages {
  const known = new Map<Sha256, ShareKeysMessage>()
  return {
    async put(message) {
      const { sha256 } = await objects.put(encodeMessage(message))
      if (message.type === 'share-keys') known.set(sha256, message)
      return sha256
    },
    async shareKeys(object) {
      const message = known.get(object) ?? decodeMessage(await objects.get(object))
      if (message.type !== 'share-keys') throw notStored(`it is of type ${message.type}`)
      known.set(object, message)
      return message
    },
    async unmask(object) {
      const message = decodeMessage(await objects.get(object))
      if (message.type !== 'unmask') throw notStored(`it is of type ${message.type}`)
      return message
    },
    loaded: (object) => known.get(object),
    forget(planHash) {
      for (const [object, message] of known) if (message.planHash === planHash) known.delete(object)
    },
  }
}

const bytes32 = base64Schema(32)
const index = z.int().min(1).max(cohortMax)
const signature = base64Schema(64)

const messageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('share-keys'),
    planHash: sha256Schema,
    selfCommitment: bytes32,
    groupCommitment: bytes32,
    rows: z
      .array(
        z.strictObject({
          index,
          keyCommitment: bytes32,
          selfCommitment: bytes32,
          /** Empty in the sender's own row. */
          sealed: z.union([z.literal(''), base64Schema(sealedShareBytes)]),
        }),
      )
      .min(1)
      .max(cohortMax),
    signature,
  }),
  z.strictObject({
    type: z.literal('unmask'),
    planHash: sha256Schema,
    revealed: z
      .array(z.strictObject({ index, kind: z.enum(['s', 'b']), share: bytes32 }))
      .min(1)
      .max(cohortMax),
    signature,
  }),
])

/** 255 rows of three fields, with room to spare. */
const messageBytesMax = 256 * 1024

/** Throws `message-invalid` for what {@link decodeMessage} would not read. */
export function encodeMessage(message: ShareKeysMessage | Unmask): Uint8Array {
  const json = canonicalJson(jsonOf(message))
  decodeMessage(json)
  return json
}

export function decodeMessage(bytes: Uint8Array): ShareKeysMessage | Unmask {
  if (bytes.length > messageBytesMax) throw notStored(`it has ${bytes.length} bytes`)
  const parsed = messageSchema.safeParse(parseJson(bytes))
  if (!parsed.success) throw notStored(z.prettifyError(parsed.error))
  const { data } = parsed
  if (data.type === 'unmask')
    return {
      ...data,
      revealed: data.revealed.map((each) => ({ ...each, share: decoded(each.share) })),
      signature: decoded(data.signature),
    }
  return {
    ...data,
    selfCommitment: decoded(data.selfCommitment),
    groupCommitment: decoded(data.groupCommitment),
    rows: data.rows.map((row) => ({
      index: row.index,
      keyCommitment: decoded(row.keyCommitment),
      selfCommitment: decoded(row.selfCommitment),
      sealed: decoded(row.sealed),
    })),
    signature: decoded(data.signature),
  }
}

function jsonOf(message: ShareKeysMessage | Unmask): z.input<typeof messageSchema> {
  const signature = encoded(message.signature)
  if (message.type === 'unmask')
    return {
      ...message,
      revealed: message.revealed.map((each) => ({ ...each, share: encoded(each.share) })),
      signature,
    }
  return {
    ...message,
    selfCommitment: encoded(message.selfCommitment),
    groupCommitment: encoded(message.groupCommitment),
    rows: message.rows.map((row) => ({
      index: row.index,
      keyCommitment: encoded(row.keyCommitment),
      selfCommitment: encoded(row.selfCommitment),
      sealed: encoded(row.sealed),
    })),
    signature,
  }
}

function encoded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function decoded(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'))
}

function notStored(why: string): FederationError {
  return new FederationError('message-invalid', `this is no message of a secure round that can be kept: ${why}`)
}
