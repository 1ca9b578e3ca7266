/**
 * A secure round's session as one site keeps it (fedsum, section A.8): its ephemeral secrets, what the coordinator showed
 * it, and every message it signed, so that it says the very same after a restart. At rest it is sealed with AES-256-GCM
 * under a key that follows from the site's identity.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { type ErrorCode, errorMessage, FederationError } from '@consilium/protos/errors.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { SecureRound } from '@consilium/protos/plan/round-plan.ts'
import type {
  Advertise,
  Advertised,
  Confirm,
  MaskedInput,
  ShareKeysMessage,
  Sharer,
  Survivor,
  Unmask,
} from '@consilium/protos/secagg/messages.ts'
import type { HeldShare } from '@consilium/protos/secagg/sealed-share.ts'
import type { RosterEntry } from '@consilium/protos/secagg/transcript.ts'
import type { SessionRecord } from '../store/sessions.ts'
import type { Assignment } from './assignment.ts'
import { ownKey } from './own-keys.ts'
import type { Site } from './site.ts'

/** What masks an update; gone once the root of the masked update is signed, so that it masks no other one. */
export type SessionSecrets = {
  readonly channelSecretKey: Uint8Array
  readonly maskSecretKey: Uint8Array
  /** b: seed of the self mask. */
  readonly selfSeed: Uint8Array
  /** g: this site's part of the group secret. */
  readonly group: Uint8Array
}

/** Grows from phase to phase; sets of sites stand here as the coordinator first told them. */
export type SessionState = {
  readonly secrets?: SessionSecrets
  /** Shares by dealer, the site's own as soon as it has dealt; gone once the site has released them. */
  readonly held?: ReadonlyMap<number, HeldShare>
  readonly advertise: Advertise
  /** U1. */
  readonly directory?: readonly Advertised[]
  readonly shareKeys?: ShareKeysMessage
  /** U2. */
  readonly sharers?: readonly Sharer[]
  /** G: what the sharers' parts make, and what the tags of the sum hang on. It outlives the other secrets. */
  readonly group?: Uint8Array
  readonly masked?: MaskedInput
  /** U3, and the log's head that was countersigned with it. */
  readonly survivors?: readonly Survivor[]
  readonly logHead?: LogHead
  readonly confirm?: Confirm
  readonly unmask?: Unmask
}

export type Session = { readonly record: SessionRecord; readonly state: SessionState }

type Keeper = Pick<Site, 'store' | 'identity'>

/** Undefined where this plan has none yet; throws `session-lost` where it was erased, or does not open. */
export function findSession(planHash: Sha256, site: Keeper): Session | undefined {
  const record = site.store.sessions.find(planHash)
  if (!record) return undefined
  const sealed = site.store.sessions.sealed(planHash)
  if (!sealed) throw new FederationError('session-lost', 'the session of this plan was erased at this site')
  return { record, state: openState(sealed, planHash, site) }
}

/** The session that a later phase goes on with; throws `session-lost` where there is none. */
export function dueSession(planHash: Sha256, site: Keeper): Session {
  const session = findSession(planHash, site)
  if (!session) throw new FederationError('session-lost', 'this site has advertised no keys for this plan')
  return session
}

/** The secrets of a session whose update is not masked yet. */
export function secretsOf({ state }: Session): SessionSecrets {
  if (!state.secrets)
    throw new FederationError('session-lost', 'the keys of this session were erased when its update was masked')
  return state.secrets
}

/** The shares of a session that has released none. */
export function heldOf({ state }: Session): ReadonlyMap<number, HeldShare> {
  if (!state.held) throw new FederationError('session-lost', 'the shares of this session were erased at its release')
  return state.held
}

/** One update, one mask (E.6): throws `session-lost` where the root of an update is signed and its bytes are gone. */
export function assertNotLost(planHash: Sha256, site: Keeper): void {
  if (site.store.outbox.isReady(planHash)) return
  if (findSession(planHash, site)?.state.masked) throw updateLost('gone from the outbox')
}

export function updateLost(how: string): FederationError {
  return new FederationError(
    'session-lost',
    `the masked update that this site signed is ${how}, and no other one is masked: this site drops out of the round`,
  )
}

/** Whether nothing of it has to be erased any more: what is left are messages that this site sent or was shown. */
export function isSpent({ secrets, held, group }: SessionState): boolean {
  return secrets === undefined && held === undefined && group === undefined
}

const nonceBytes = 12
const tagBytes = 16

export function sealState(state: SessionState, planHash: Sha256, { identity }: Pick<Site, 'identity'>): Uint8Array {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', ownKey(identity, 'session'), nonce).setAAD(Buffer.from(planHash, 'hex'))
  const plain = serialize(state)
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  plain.fill(0)
  return sealed
}

/** Only this site wrote what opens, so its form is not checked again. */
function openState(sealed: Uint8Array, planHash: Sha256, { identity }: Pick<Site, 'identity'>): SessionState {
  try {
    const end = sealed.length - tagBytes
    const nonce = sealed.subarray(0, nonceBytes)
    const decipher = createDecipheriv('aes-256-gcm', ownKey(identity, 'session'), nonce)
    decipher.setAAD(Buffer.from(planHash, 'hex')).setAuthTag(sealed.subarray(end))
    return deserialize(Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]))
  } catch (cause) {
    const message = 'the journal of this session does not open: this site drops out of the round'
    throw new FederationError('session-lost', message, { cause })
  }
}

/** What follows for one site from the plan of a secure round. */
export type SecureCohort = {
  readonly secure: SecureRound
  /** This site's. */
  readonly index: number
  /** The plan's cohort with its identities, which the recruit phase compared with the pinned ones. */
  readonly roster: readonly RosterEntry[]
}

export function secureCohort({ plan }: Pick<Assignment, 'plan'>, name: SiteName): SecureCohort {
  const { secure, cohort } = plan
  if (!secure)
    throw new FederationError('message-invalid', `round ${plan.round} of run ${plan.run} is not a secure one`)
  const roster = cohort.map((site, i) => ({
    index: i + 1,
    name: site,
    publicKey: new Uint8Array(Buffer.from(secure.roster[i]!, 'base64')),
  }))
  return { secure, index: cohort.indexOf(name) + 1, roster }
}

/** Runs a check; whatever it throws is refused under the code of its phase. */
export function refusedAs<T>(code: ErrorCode, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof FederationError) || error.code === code) throw error
    throw new FederationError(code, errorMessage(error), { cause: error })
  }
}

/**
 * Whether two lists of messages are the same, byte for byte; the order counts. By value: how the engine happens to keep a
 * number (whole or floating) differs between what came and what was stored.
 */
export function isSame(one: unknown, other: unknown): boolean {
  return isDeepStrictEqual(normal(one), normal(other))
}

/** Buffers and Uint8Arrays are the same bytes. */
function normal(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, normal(field)]))
}
