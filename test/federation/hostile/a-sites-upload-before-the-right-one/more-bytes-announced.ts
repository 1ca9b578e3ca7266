import { trying } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = trying('limit-exceeded', (upload) => ({ ...upload, size: upload.size + 4 }))
