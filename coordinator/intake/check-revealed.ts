/** Compares the shares a site reveals with what their dealers had committed to, before any of them is used or logged. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import type { Unmask } from '@consilium/protos/secagg/messages.ts'
import { shareCommitted } from '@consilium/protos/secagg/sealed-share.ts'
import { type ConfirmingSession, rosterEntry } from '../round/session.ts'
import type { StoredMessages } from '../summing/stored-messages.ts'

/** The dealer of a share that is not the one it dealt to `from`; undefined where all are, or concern no sharer at all. */
export async function wrongShare(
  session: ConfirmingSession,
  from: SiteName,
  { revealed }: Unmask,
  messages: StoredMessages,
): Promise<SiteName | undefined> {
  const to = rosterEntry(session, from).index
  for (const dealer of session.sharers) {
    const index = rosterEntry(session, dealer).index
    const { rows } = await messages.shareKeys(session.shared.get(dealer)!.message)
    const row = rows.find((each) => each.index === to)
    const isRight = ({ kind, share }: Unmask['revealed'][number]) =>
      row && shareCommitted(kind, session.sid, index, to, share, kind === 's' ? row.keyCommitment : row.selfCommitment)
    if (revealed.some((each) => each.index === index && !isRight(each))) return dealer
  }
  return undefined
}
