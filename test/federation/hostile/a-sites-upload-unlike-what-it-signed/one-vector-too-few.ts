import { uploadRoot } from '@consilium/protos/secagg/transcript.ts'
import { once, signedInput } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = once('message-invalid', ({ masked, ...upload }, at) => {
  const vectorHashes = masked.vectorHashes.slice(1)
  const root = uploadRoot(at.me.session(at.hash)!.sid!, 4, [{ name: 'update', sha256: vectorHashes[0]! }])
  return { ...upload, masked: signedInput(root, vectorHashes, at) }
})
