import { flipped, trying } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = trying('hash-mismatch', (upload) => ({ ...upload, bytes: flipped(upload.bytes) }))
