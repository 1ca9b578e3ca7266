import { randomBytes } from 'node:crypto'
import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('message-invalid', ({ secure: _, ...plan }) => ({
  ...plan,
  runPublicKey: randomBytes(32).toString('base64'),
}))
