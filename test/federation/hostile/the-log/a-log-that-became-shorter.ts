import type { Lie } from '../../../support/hostile/attacks.ts'
import { forgedAfter } from '../../../support/hostile/bent-log.ts'

export const lie: Lie<'assignment'> = forgedAfter('log-forked', (plan, { third: { logHead } }) => ({
  ...plan,
  logHead,
  modelEntry: logHead.size - 1,
}))
