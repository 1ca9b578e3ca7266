import { flippedSum, type SumLie } from '../../../support/hostile/bent-sum.ts'

export const lie: SumLie = flippedSum((words) => (words[11]! ^= 1))
