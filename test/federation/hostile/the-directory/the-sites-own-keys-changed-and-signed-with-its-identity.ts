import type { Lie } from '../../../support/hostile/attacks.ts'
import { ownKeys, replace, signed } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie: (directory, at) => [replace(directory, 4, (entry) => signed(entry, ownKeys(), at.identity('zurich'), at))],
}
