import { ahead } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = {
  round: 'committed',
  log: [],
  uploads: ['OK'],
  lies: { say: (message, at) => [...ahead(message, at), message, message, message] },
}
