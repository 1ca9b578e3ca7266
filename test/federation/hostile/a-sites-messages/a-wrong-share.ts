import { randomBytes } from 'node:crypto'
import { revealing } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = revealing('shares-invalid', (revealed) =>
  revealed.map((one, i) => (i === 0 ? { ...one, share: randomBytes(32) } : one)),
)
