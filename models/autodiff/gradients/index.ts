/** The gradient table: every operator that training can differentiate, merged from the family files. */
import type { GradientTable } from '../gradient-rule.ts'
import { convolution } from './convolution.ts'
import { elementwise } from './elementwise.ts'
import { linalg } from './linalg.ts'
import { movement } from './movement.ts'
import { normalization } from './normalization.ts'
import { reduction } from './reduction.ts'

export const gradientFamilies: Readonly<Record<string, GradientTable>> = {
  elementwise,
  linalg,
  convolution,
  normalization,
  reduction,
  movement,
}

export const gradientTable: GradientTable = Object.assign({}, ...Object.values(gradientFamilies))
