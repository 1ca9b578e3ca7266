import type { Lie } from '../../../support/hostile/attacks.ts'
import { quorumOver, toldSurvivors } from '../../../support/hostile/bent-quorum.ts'

export const lie: Lie<'quorum'> = {
  code: 'quorum-invalid',
  lie(quorum, at) {
    const { survivors, logHead } = toldSurvivors(at)
    return [quorumOver(quorum, { survivors, logHead: { ...logHead, root: 'c'.repeat(64) } }, at)]
  },
}
