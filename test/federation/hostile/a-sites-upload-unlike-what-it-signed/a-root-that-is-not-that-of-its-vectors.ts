import { randomBytes } from 'node:crypto'
import { once, signedInput } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = once('hash-mismatch', ({ masked, ...upload }, at) => ({
  ...upload,
  masked: signedInput(randomBytes(32), masked.vectorHashes, at),
}))
