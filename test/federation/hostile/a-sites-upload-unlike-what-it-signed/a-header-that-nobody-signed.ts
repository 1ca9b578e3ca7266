import { randomBytes } from 'node:crypto'
import { once } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = once('signature-invalid', ({ masked, ...upload }) => ({
  ...upload,
  masked: { ...masked, signature: randomBytes(64) },
}))
