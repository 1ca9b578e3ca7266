import { failing } from '../../../support/hostile/bent-uploads.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = failing((words) => [words[0]!, words[1]!.map(() => 2 ** 31 - 1)])
