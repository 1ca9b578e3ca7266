import { trying } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = trying('offset-mismatch', (upload) => ({ ...upload, offset: 4 }))
