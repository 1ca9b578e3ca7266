import type { Lie } from '../../../support/hostile/attacks.ts'
import { flipped } from '../../../support/hostile/bent-log.ts'

export const lie: Lie<'assignment'> = {
  code: 'log-forked',
  proof: (proof) => ({ ...proof, consistency: proof.consistency.map((hash, i) => (i === 0 ? flipped(hash) : hash)) }),
}
