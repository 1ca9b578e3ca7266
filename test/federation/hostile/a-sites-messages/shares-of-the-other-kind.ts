import { revealing } from '../../../support/hostile/bent-messages.ts'
import type { SiteLie } from '../../../support/hostile/site-attacks.ts'

export const lie: SiteLie = revealing('message-invalid', (revealed, { me, hash }) =>
  revealed.map(({ index }) => ({ index, kind: 's', share: me.session(hash)!.held.get(index)!.s })),
)
