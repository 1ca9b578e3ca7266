import { randomBytes } from 'node:crypto'
import { advertising } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = advertising('hash-mismatch', { modelHash: randomBytes(32) })
