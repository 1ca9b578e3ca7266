import type { Lie } from '../../../support/hostile/attacks.ts'

export const lie: Lie<'assignment'> = { code: 'message-invalid', proof: ({ entry: _, ...proof }) => proof }
