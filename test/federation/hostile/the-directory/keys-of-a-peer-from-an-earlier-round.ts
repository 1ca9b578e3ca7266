import type { Lie } from '../../../support/hostile/attacks.ts'
import { type Directory, replace } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie(directory, { federation }) {
    const earlier = federation.recorded.told.find(({ message }) => message.type === 'directory')!.message as Directory
    return [replace(directory, 2, () => earlier.sites[1]!)]
  },
}
