/**
 * A site's complaint that what another sealed for it is not what that one committed to (fedsum, check S3). Nobody else can
 * tell who of the two is wrong, and the one who complains holds no share: it goes, and the complaint stays in the log.
 */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { complaintMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { takeFromMember } from './collect-messages.ts'
import type { RoundCommand } from './commands.ts'
import { dropEvents, type Losing } from './dropouts.ts'
import type { RoundEvent } from './events.ts'
import { must, mustBeSigned } from './faults.ts'
import { membersOf, type Update } from './planned.ts'
import { type MaskingSession, rosterEntry, toBase64 } from './session.ts'

export function complain(
  round: Losing & { readonly updates: ReadonlyMap<SiteName, Update>; readonly session?: MaskingSession },
  command: Extract<RoundCommand, { type: 'complain' }>,
  now: Date,
): RoundEvent[] {
  const { planHash, site, against, reason } = command
  const { session } = round
  if (!session) return []
  const dealer = session.roster.find(({ index }) => index === against)?.name
  return takeFromMember(round, now, {
    site,
    awaited: membersOf(round).filter((member) => !round.updates.has(member)),
    check: () => {
      const own = rosterEntry(session, site)
      const isSharer = dealer !== undefined && session.sharers.includes(dealer)
      must(isSharer, 'message-invalid', `against: ${against} is no site that shared its keys`)
      const message = complaintMessage(session.sid, own.index, against, reason)
      mustBeSigned(own, command.signature, message, 'this complaint')
    },
    taken: () => {
      const [at, signature] = [now.toISOString(), toBase64(command.signature)]
      const refused = { site, cause: 'refused', reason: `shares-invalid: of ${dealer}: ${reason}` } as const
      return [
        { type: 'complaint-received', at, planHash, site, against: dealer!, reason, signature },
        ...dropEvents(round, [refused], now),
      ]
    },
  })
}
