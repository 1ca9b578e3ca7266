import { randomBytes } from 'node:crypto'
import { inputMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { once } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = once('signature-invalid', ({ masked, ...upload }, { me, hash }) => {
  const { sid, index } = me.session(hash)!
  const signature = signMessage(me.identity, inputMessage(sid!, randomBytes(32), index, masked.root))
  return { ...upload, masked: { ...masked, signature } }
})
