import { sharing } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = sharing('message-invalid', (message) => ({ ...message, rows: message.rows.slice(1) }))
