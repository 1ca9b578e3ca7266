/**
 * The research lead's key: an Ed25519 seed (RFC 8032) in a file that only its owner may read. It stays with the lead; the
 * coordinator sees signatures only.
 */
import { open, readFile, stat } from 'node:fs/promises'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { fingerprint, generateIdentity, type Identity, identityFromSeed } from '@consilium/protos/identity.ts'
import { base64Schema } from '@consilium/protos/plan/names.ts'
import { z } from 'zod'

const leadKeySchema = z.strictObject({
  format: z.literal('consilium-lead-key-1'),
  publicKey: base64Schema(32),
  seed: base64Schema(32),
  fingerprint: z.string().max(100),
})

const leadKeyBytesMax = 4096

/** Writes a new key to `path`, mode 0600; throws `already-exists` where something stands there. */
export async function createLeadKey(path: string): Promise<Identity> {
  const identity = generateIdentity()
  const content: z.input<typeof leadKeySchema> = {
    format: 'consilium-lead-key-1',
    publicKey: Buffer.from(identity.publicKey).toString('base64'),
    seed: Buffer.from(identity.seed).toString('base64'),
    fingerprint: fingerprint(identity.publicKey),
  }
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(`${JSON.stringify(content, undefined, 2)}\n`)
    await file.sync()
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')
      throw new FederationError(
        'already-exists',
        `${path} exists already: a key is never overwritten, choose another name`,
      )
    throw new FederationError('store-failed', `the lead key cannot be written: ${errorMessage(cause)}`, { cause })
  }
  return identity
}

/** Reads a key; throws `invalid-argument` where the file is none, is damaged, or others may read it. */
export async function readLeadKey(path: string): Promise<Identity> {
  const text = await readKeyText(path)
  const parsed = leadKeySchema.safeParse(parseJson(text))
  if (!parsed.success)
    throw new FederationError('invalid-argument', `${path} is no lead key: make one with consilium lead create`)
  const identity = identityFromSeed(Buffer.from(parsed.data.seed, 'base64'))
  if (Buffer.compare(identity.publicKey, Buffer.from(parsed.data.publicKey, 'base64')) !== 0)
    throw new FederationError('invalid-argument', `${path} is damaged: its two keys do not belong together`)
  return identity
}

async function readKeyText(path: string): Promise<string> {
  try {
    const { mode, size } = await stat(path)
    // Windows keeps no such bits.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new FederationError(
        'invalid-argument',
        `${path} can be read by others on this machine: run chmod 600 ${path}`,
      )
    if (size > leadKeyBytesMax) throw new FederationError('invalid-argument', `${path} is no lead key: it is too long`)
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof FederationError) throw cause
    throw new FederationError('invalid-argument', `the lead key cannot be read: ${errorMessage(cause)}`, { cause })
  }
}

/** Undefined where the text is no JSON; the text itself is a secret and never part of a message. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
