import type { Lie } from '../../../support/hostile/attacks.ts'
import { changed, ownKeys, replace } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie: (directory) => [replace(directory, 4, (entry) => ({ ...entry, body: changed(entry.body, ownKeys()) }))],
}
