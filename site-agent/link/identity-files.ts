/**
 * What a site keeps of its enrolment, in its state folder: its two private keys and the site secret in `keys/` (made here,
 * never sent), its certificate, the authority and the coordinator key it pinned, and `joined.json`, which is written last.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FederationError } from '@consilium/protos/errors.ts'
import { labelledHash } from '@consilium/protos/hash.ts'
import { type Identity, identityFromSeed } from '@consilium/protos/identity.ts'
import { base64Schema, type SiteName, sha256Schema, siteNameSchema } from '@consilium/protos/plan/names.ts'
import { z } from 'zod'
import { writeDurably } from '../durable-file.ts'
import { faultOf } from '../fault.ts'

const joinedSchema = z.strictObject({
  format: z.literal(1),
  site: siteNameSchema,
  federation: z.string().max(200),
  /** host:port of the coordinator. */
  address: z.string().max(300),
  /** Ed25519; every round plan must be signed with it. */
  coordinatorPublicKey: base64Schema(32),
  joinedAt: z.iso.datetime(),
  /** H("site-secret", secret): another one would split and order its rows anew. Absent in a home of before. */
  siteSecret: sha256Schema.exactOptional(),
})

/** A site that has joined, with everything it needs to call the coordinator. */
export type JoinedSite = {
  readonly state: string
  readonly site: SiteName
  readonly federation: string
  readonly address: string
  readonly joinedAt: string
  /** Ed25519 identity: signs approvals. */
  readonly identity: Identity
  /** 32 bytes: what split, order and rounding are drawn from. */
  readonly secret: Uint8Array
  readonly coordinatorPublicKey: Uint8Array
  readonly authorityPem: string
  readonly tlsKeyPem: string
  readonly certificatePem: string
}

export type SiteKeys = Pick<JoinedSite, 'tlsKeyPem' | 'identity' | 'secret'>

/** Throws `not-found` where the site has not joined, `invalid-site-config` where a file of its enrolment is damaged. */
export function openJoined(state: string): JoinedSite {
  const text = readIfThere(paths(state).joined)
  if (text === undefined)
    throw new FederationError('not-found', `no enrolment in ${state}: run site-agent join with the code you were given`)
  return unlessDamaged(state, () => {
    const record = joinedSchema.parse(JSON.parse(text))
    const { site, federation, address, coordinatorPublicKey, joinedAt, siteSecret } = record
    const files = paths(state)
    const certificatePem = readFileSync(files.certificate, 'utf8')
    const tlsKeyPem = readFileSync(files.tlsKey, 'utf8')
    if (!new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(tlsKeyPem)))
      throw new Error('the certificate does not belong to the key')
    const secret = openSecret(state, siteSecret)
    // From here on a home of before is known by its secret, too.
    if (siteSecret === undefined) writeRecord(files.joined, { ...record, siteSecret: secretHash(secret) })
    return {
      state,
      site,
      federation,
      address,
      joinedAt,
      identity: readIdentity(readFileSync(files.identityKey, 'utf8')),
      secret,
      coordinatorPublicKey: Buffer.from(coordinatorPublicKey, 'base64'),
      authorityPem: readFileSync(files.authority, 'utf8'),
      tlsKeyPem,
      certificatePem,
    }
  })
}

export function hasJoined(state: string): boolean {
  return readIfThere(paths(state).joined) !== undefined
}

/** The site's keys: those it has, else new ones, readable by their owner only. */
export function openKeys(state: string): SiteKeys {
  const { tlsKey, identityKey } = paths(state)
  return unlessDamaged(state, () => ({
    tlsKeyPem: readOrMake(tlsKey, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
    identity: readIdentity(readOrMake(identityKey, () => privateKeyOfSeed(randomBytes(32)))),
    secret: openSecret(state, undefined),
  }))
}

/** Puts a site secret in place before the site joins, where its splits have to repeat: in a simulation. */
export function writeSiteSecret(state: string, secret: Uint8Array): void {
  writeFileWhole(paths(state).siteSecret, `${Buffer.from(secret).toString('base64')}\n`)
}

/** The secret that is here, of which `joined.json` knows the hash; made where neither is there yet. */
function openSecret(state: string, known: string | undefined): Uint8Array {
  const path = paths(state).siteSecret
  const kept = readIfThere(path)
  if (kept === undefined && known !== undefined)
    throw new FederationError(
      'invalid-site-config',
      `${path} is gone: restore it from the backup of the state folder. Without it this site would split its rows anew, and another split would show, beside the old one, which rows it moved`,
    )
  if (kept === undefined) {
    const secret = randomBytes(32)
    writeSiteSecret(state, secret)
    return secret
  }
  const secret = Buffer.from(base64Schema(32).parse(kept.trim()), 'base64')
  if (known !== undefined && known !== secretHash(secret))
    throw new FederationError('invalid-site-config', `${path} is not the secret of this site: restore it from a backup`)
  return secret
}

function secretHash(secret: Uint8Array): string {
  return labelledHash('site-secret', secret).toString('hex')
}

/** Keeps an enrolment; it holds once this returns. */
export function writeJoined(joined: Omit<JoinedSite, 'identity' | 'tlsKeyPem'>): void {
  const { site, federation, address, joinedAt, coordinatorPublicKey } = joined
  const files = paths(joined.state)
  writeFileWhole(files.authority, joined.authorityPem)
  writeFileWhole(files.certificate, joined.certificatePem)
  const key = Buffer.from(coordinatorPublicKey).toString('base64')
  const siteSecret = secretHash(joined.secret)
  writeRecord(files.joined, { format: 1, site, federation, address, coordinatorPublicKey: key, joinedAt, siteSecret })
}

/** Pins another key of the coordinator; it holds once this returns. */
export function writeCoordinatorKey(state: string, publicKey: Uint8Array): void {
  const { joined } = paths(state)
  const record = unlessDamaged(state, () => joinedSchema.parse(JSON.parse(readFileSync(joined, 'utf8'))))
  writeRecord(joined, { ...record, coordinatorPublicKey: Buffer.from(publicKey).toString('base64') })
}

/** Replaces the certificate as a whole. */
export function writeCertificate(state: string, certificatePem: string): void {
  writeFileWhole(paths(state).certificate, certificatePem)
}

function writeRecord(path: string, record: z.input<typeof joinedSchema>): void {
  writeFileWhole(path, `${JSON.stringify(joinedSchema.parse(record), null, 2)}\n`)
}

function paths(state: string) {
  return {
    joined: join(state, 'joined.json'),
    certificate: join(state, 'certificate.pem'),
    authority: join(state, 'authority.pem'),
    tlsKey: join(state, 'keys', 'tls-key.pem'),
    identityKey: join(state, 'keys', 'identity-key.pem'),
    siteSecret: join(state, 'keys', 'site-secret'),
  }
}

function unlessDamaged<Result>(state: string, read: () => Result): Result {
  try {
    return read()
  } catch (cause) {
    const fault = faultOf(cause)
    // What the system does not let this account read is not damaged.
    if (fault.code !== 'internal') throw fault
    const advice = 'restore it from a backup, or remove the folder and join again with a new code'
    throw new FederationError('invalid-site-config', `the enrolment in ${state} is damaged: ${advice}`, { cause })
  }
}

function readOrMake(path: string, make: () => KeyObject): string {
  const kept = readIfThere(path)
  if (kept !== undefined) return kept
  const pem = make().export({ type: 'pkcs8', format: 'pem' }).toString()
  writeFileWhole(path, pem)
  return pem
}

const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

function privateKeyOfSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([ed25519Prefix, seed]), format: 'der', type: 'pkcs8' })
}

function readIdentity(pem: string): Identity {
  const key = createPrivateKey(pem)
  const { d, x } = key.export({ format: 'jwk' })
  const identity = identityFromSeed(Buffer.from(d ?? '', 'base64url'))
  if (
    createPublicKey(key).asymmetricKeyType !== 'ed25519' ||
    Buffer.from(identity.publicKey).toString('base64url') !== x
  )
    throw new Error('not an Ed25519 key')
  return identity
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

function writeFileWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeDurably(path, Buffer.from(text, 'utf8'))
}
