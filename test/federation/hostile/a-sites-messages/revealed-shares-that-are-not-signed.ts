import { randomBytes } from 'node:crypto'
import { lying } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = lying('unmask', 'signature-invalid', (message) => [
  { ...message, signature: randomBytes(64) },
])
