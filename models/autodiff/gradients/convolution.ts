/** Gradients of convolutions and pooling. */
import type { GradientTable } from '../gradient-rule.ts'

export const convolution: GradientTable = {}
