import { failing } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = failing((words) => [words[0]!.with(11, 5), words[1]!])
