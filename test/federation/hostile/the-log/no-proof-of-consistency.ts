import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'assignment'> = { code: 'log-forked', proof: (proof) => ({ ...proof, consistency: [] }) }
