import { randomBytes } from 'node:crypto'
import { lying } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = lying('share-keys', 'signature-invalid', (message) => [
  { ...message, selfCommitment: randomBytes(32) },
])
