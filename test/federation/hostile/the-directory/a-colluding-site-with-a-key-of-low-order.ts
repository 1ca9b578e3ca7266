import type { Lie } from '../../../support/hostile/attacks.ts'
import { replace, signed } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie: (directory, at) => [
    replace(directory, 2, (entry) => signed(entry, { maskKey: new Uint8Array(32) }, at.identity('cleveland'), at)),
  ],
}
