import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import type { Lie } from '../../../support/hostile/attacks.ts'
import { replace, signed } from '../../../support/hostile/bent-directory.ts'

export const lie: Lie<'directory'> = {
  code: 'directory-invalid',
  lie(directory, at) {
    const { channelKey, maskKey } = readAdvertisement(directory.sites[2]!.body)
    return [replace(directory, 2, (entry) => signed(entry, { channelKey, maskKey }, at.identity('cleveland'), at))]
  },
}
