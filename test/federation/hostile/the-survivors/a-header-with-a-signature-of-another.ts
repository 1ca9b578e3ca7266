import type { Lie } from '../../../support/hostile/attacks.ts'
import { change } from '../../../support/hostile/bent-survivors.ts'

export const lie: Lie<'survivors'> = {
  code: 'survivors-invalid',
  lie: (message) => [change(message, 2, { signature: message.survivors[2]!.signature })],
}
