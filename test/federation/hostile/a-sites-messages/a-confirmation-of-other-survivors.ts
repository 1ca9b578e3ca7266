import { randomBytes } from 'node:crypto'
import { confirmMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { lying } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = lying('confirm', 'signature-invalid', (message, { me }) => [
  { ...message, signature: signMessage(me.identity, confirmMessage(randomBytes(32), randomBytes(32))) },
])
