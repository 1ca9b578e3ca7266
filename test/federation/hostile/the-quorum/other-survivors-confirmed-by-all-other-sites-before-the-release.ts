import type { Lie } from '../../../support/hostile/attacks.ts'
import { quorumOver, toldSurvivors, withoutFirst } from '../../../support/hostile/bent-quorum.ts'

export const lie: Lie<'quorum'> = {
  code: 'survivors-conflict',
  lie(quorum, at) {
    const other = withoutFirst(at)
    return [{ ...toldSurvivors(at), ...other }, quorumOver(quorum, other, at)]
  },
}
