/**
 * The key vault of one machine: AES-256-GCM under a key file that only its owner may read, with the context as
 * additional data, so that a sealed secret opens only for the purpose it was sealed for.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { FederationError } from '@consilium/protos/errors.ts'
import { canonicalJson } from '@consilium/protos/hash.ts'
import { openKeyFile } from './key-file.ts'
import type { KeyVault } from './key-vault.ts'

/** Largest secret a vault seals, bytes: a cloud's key service has the same limit. */
const secretBytesMax = 4096
const version = 1
const nonceBytes = 12
const tagBytes = 16

/** Opens the vault whose key is in the file at `keyPath`, and makes that key where there is none. */
export async function openLocalKeyVault(keyPath: string): Promise<KeyVault> {
  const key = await openKeyFile(keyPath)
  return {
    async seal(secret, context) {
      if (secret.length > secretBytesMax)
        throw new FederationError('limit-exceeded', `the key vault seals at most ${secretBytesMax} bytes`)
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(canonicalJson(context))
      const sealed = Buffer.concat([cipher.update(secret), cipher.final()])
      return Buffer.concat([Uint8Array.of(version), nonce, sealed, cipher.getAuthTag()])
    },
    async open(sealed, context) {
      if (sealed.length < 1 + nonceBytes + tagBytes || sealed[0] !== version)
        throw new FederationError('store-failed', 'these are no sealed bytes of this key vault')
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + nonceBytes))
      decipher.setAAD(canonicalJson(context)).setAuthTag(sealed.subarray(sealed.length - tagBytes))
      const secret = decipher.update(sealed.subarray(1 + nonceBytes, sealed.length - tagBytes))
      try {
        decipher.final()
      } catch (cause) {
        throw new FederationError('store-failed', 'a sealed secret does not open: other key, context or bytes', {
          cause,
        })
      }
      return secret
    },
  }
}
