import { randomBytes } from 'node:crypto'
import type { Lie } from '../../../support/hostile/attacks.ts'
import { forged } from '../../../support/hostile/bent-plan.ts'

export const lie: Lie<'assignment'> = forged('message-invalid', (plan) => ({
  ...plan,
  runPublicKey: randomBytes(32).toString('base64'),
}))
