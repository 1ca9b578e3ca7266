import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie: (directory) => [{ ...directory, sites: directory.sites.slice(0, 3) }],
}
