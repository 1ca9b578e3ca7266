import type { Lie } from '../../../support/hostile/attacks.ts'
import { ownKeys, replace, signed } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie: (directory, { federation, ...at }) => [
    replace(directory, 2, (entry) => signed(entry, ownKeys(), federation.identity, { federation, ...at })),
  ],
}
