import { revealing } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = revealing('message-invalid', (revealed) => revealed.slice(1))
