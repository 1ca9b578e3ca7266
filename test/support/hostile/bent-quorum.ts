/** Quorums of confirmations that the site did not give: checks S5 and S6 end them. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Survivor } from '@consilium/protos/secagg/messages.ts'
import { confirmMessage, signMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { survivorsHash } from '@consilium/protos/secagg/transcript.ts'
import { type Scene, shownTo } from './attacks.ts'

type Quorum = Extract<ToSite, { type: 'quorum' }>
type Survivors = Extract<ToSite, { type: 'survivors' }>

/** What the site was told in the phase before. */
export function toldSurvivors({ federation, site }: Scene): Survivors {
  return federation.recorded.told.findLast((told) => told.site === site && told.message.type === 'survivors')!
    .message as Survivors
}

/** The survivors of the round but the first site, a set that is large enough. */
export function withoutFirst(at: Scene): Pick<Survivors, 'survivors' | 'logHead'> {
  const { survivors, logHead } = toldSurvivors(at)
  return { survivors: survivors.slice(1), logHead }
}

/** Confirmations of these survivors and this log by every site but the one under attack. */
export function quorumOver(
  quorum: Quorum,
  { survivors, logHead }: { readonly survivors: readonly Survivor[]; readonly logHead: LogHead },
  at: Scene,
): Quorum {
  const { sid, u2Hash } = shownTo(at)
  const message = confirmMessage(survivorsHash(sid, u2Hash, survivors), Buffer.from(logHead.root, 'hex'))
  const confirmations = ['basel', 'cleveland', 'hungary'].map((site, i) => ({
    index: i + 1,
    signature: signMessage(at.identity(site), message),
  }))
  return { ...quorum, confirmations }
}
