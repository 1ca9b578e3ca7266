import { randomBytes } from 'node:crypto'
import { trying } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = trying('message-invalid', (upload) => ({
  ...upload,
  bytes: Buffer.concat([upload.bytes, randomBytes(4)]),
}))
