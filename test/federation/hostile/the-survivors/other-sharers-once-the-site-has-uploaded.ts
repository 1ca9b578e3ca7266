import type { Lie } from '../../../support/hostile/attacks.ts'
import { withoutSharer } from '../../../support/hostile/bent-survivors.ts'

export const lie: Lie<'survivors'> = { code: 'shares-invalid', lie: (_, at) => [withoutSharer(2, at)] }
