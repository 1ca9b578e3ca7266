import { sha256Hex } from '@consilium/protos/hash.ts'
import { flipped, once } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = once('update-invalid', (upload) => {
  const bytes = flipped(upload.bytes)
  return { ...upload, bytes, sha256: sha256Hex(bytes) }
})
