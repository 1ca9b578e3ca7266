import type { Lie } from '../../../support/hostile/attacks.ts'
import { flipped } from '../../../support/hostile/bent-log.ts'

export const lie: Lie<'assignment'> = {
  code: 'model-not-in-log',
  proof: (proof) => ({ ...proof, inclusion: proof.inclusion.map((hash, i) => (i === 0 ? flipped(hash) : hash)) }),
}
