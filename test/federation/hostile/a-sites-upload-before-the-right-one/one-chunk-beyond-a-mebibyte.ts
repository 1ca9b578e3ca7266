import { trying } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = trying('message-invalid', (upload) => ({
  ...upload,
  bytes: new Uint8Array(1024 * 1024 + 1),
  chunkBytes: 1024 * 1024 + 1,
}))
