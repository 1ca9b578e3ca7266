import { failing } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = failing((words) => [words[0]!.with(0, 2), words[1]!])
