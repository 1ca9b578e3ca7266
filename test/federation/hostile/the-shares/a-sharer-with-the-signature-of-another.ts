import type { Lie } from '../../../support/hostile/attacks.ts'
import { bentShares, change } from '../../../support/hostile/bent-shares.ts'

export const lie: Lie<'shares'> = bentShares((shares) =>
  change(shares, 2, { signature: shares.sharers[0]!.signature, shareKeysHash: shares.sharers[0]!.shareKeysHash }),
)
