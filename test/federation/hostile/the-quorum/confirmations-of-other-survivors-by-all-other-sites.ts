import type { Lie } from '../../../support/hostile/attacks.ts'
import { quorumOver, withoutFirst } from '../../../support/hostile/bent-quorum.ts'

export const lie: Lie<'quorum'> = {
  code: 'quorum-invalid',
  lie: (quorum, at) => [quorumOver(quorum, withoutFirst(at), at)],
}
