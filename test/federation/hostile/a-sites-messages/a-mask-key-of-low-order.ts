import { advertising } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = advertising('message-invalid', { maskKey: new Uint8Array(32) })
