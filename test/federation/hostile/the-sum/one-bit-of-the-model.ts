import type { SumLie } from '../../../support/hostile/bent-sum.ts'

export const lie: SumLie = (sum) => ({ ...sum, made: sum.made.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) })
