import { advertising } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = advertising('message-invalid', {
  channelKey: new Uint8Array(32).fill(0xff),
})
