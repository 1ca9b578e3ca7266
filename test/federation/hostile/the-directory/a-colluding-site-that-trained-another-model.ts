import { randomBytes } from 'node:crypto'
import type { Lie } from '../../../support/hostile/attacks.ts'
import { replace, signed } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie: (directory, at) => [
    replace(directory, 2, (entry) => signed(entry, { modelHash: randomBytes(32) }, at.identity('cleveland'), at)),
  ],
}
