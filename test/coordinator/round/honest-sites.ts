/** Honest sites at a round: what each says in the round's present phase, worked out from the round's state. */
import { sha256Hex } from '@consilium/protos/hash.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import type { ShareKeysMessage, Shares, Survivors } from '@consilium/protos/secagg/messages.ts'
import { signMessage, verdictMessage } from '@consilium/protos/secagg/signed-messages.ts'
import type { RoundCommand } from '../../../coordinator/round/commands.ts'
import { membersOf } from '../../../coordinator/round/planned.ts'
import type { OpenRound } from '../../../coordinator/round/round.ts'
import {
  directoryOf,
  type MaskingSession,
  rosterEntry,
  sharersOf,
  survivorListOf,
} from '../../../coordinator/round/session.ts'
import type { Verifying } from '../../../coordinator/round/verify.ts'
import { type SecureSite, secureSite } from '../../support/secure-sites.ts'

/** Hash and size of what a site would upload in a sealed round. */
export const sealedUpdateOf = (site: string) => ({ sha256: sha256Hex(Buffer.from(site)), bytes: 100 })

export type HonestSites = ReturnType<typeof honestSites>

export function honestSites(names: readonly string[], identityOf: (site: string) => Identity) {
  const sites = new Map(names.map((name) => [name, secureSite(name, identityOf(name))]))
  /** What each site dealt, by plan and site. */
  const dealt = new Map<string, ShareKeysMessage>()

  function sharesFor(name: string, planHash: string, session: MaskingSession): Shares {
    const own = rosterEntry(session, name).index
    const received = session.sharers
      .filter((sharer) => sharer !== name)
      .map((sharer) => {
        const { rows, groupCommitment } = dealt.get(`${planHash} ${sharer}`)!
        const row = rows.find(({ index }) => index === own)!
        return { ...row, index: rosterEntry(session, sharer).index, groupCommitment }
      })
    return { type: 'shares', planHash, sharers: sharersOf(session, session.sharers), received }
  }

  /** Everything that the site says in the present phase, in order; nothing where it is not in the round. */
  function commands(round: OpenRound, name: string): RoundCommand[] {
    const site = sites.get(name)!
    if (round.phase === 'recruit' || round.phase === 'commit' || !membersOf(round).includes(name)) return []
    const { planHash } = round
    const from = { planHash, site: name }
    switch (round.phase) {
      case 'work':
        return [{ type: 'finish-work', ...from }]
      case 'advertise-keys': {
        const { body, signature } = site.advertise(round.plan)
        return [{ type: 'advertise-keys', ...from, body, signature }]
      }
      case 'share-keys': {
        const directory = directoryOf(round.session, round.session.advertisers)
        const message = site.shareKeys({ type: 'directory', planHash, sites: directory })
        dealt.set(`${planHash} ${name}`, message)
        return [{ type: 'share-keys', ...from, message, object: sha256Hex(message.signature) }]
      }
      case 'collect-updates': {
        const { session } = round
        const update = session ? upload(site, sharesFor(name, planHash, session), session) : sealedUpdateOf(name)
        const { sha256, bytes } = update
        return [
          { type: 'announce-update', ...from, ...update },
          { type: 'receive-update', ...from, sha256, bytes },
        ]
      }
      case 'confirm-survivors':
        return [{ type: 'confirm-survivors', ...from, signature: site.confirm(survivorsOf(round)).signature }]
      case 'unmask': {
        // A site that was away while the others confirmed does so first.
        site.confirm(survivorsOf(round))
        const message = site.unmask(planHash)
        return [{ type: 'reveal-shares', ...from, message, object: sha256Hex(message.signature) }]
      }
      case 'verify':
        return [verdictOf(round, name)]
    }
  }
  /** The site found the sum right, or wrong. */
  function verdictOf(round: Verifying, name: string, verdict: 'verified' | 'sum-not-verified' = 'verified') {
    const { judged, planHash } = round
    const signature = signMessage(identityOf(name), verdictMessage(verdict, judged))
    const { sums, made } = judged
    return { type: 'judge-sum', planHash, site: name, verdict, sums, made, signature } as const
  }
  return { site: (name: string): SecureSite => sites.get(name)!, commands, verdictOf }
}

function upload(site: SecureSite, shares: Shares, { plan }: MaskingSession) {
  const { bytes, sha256, masked } = site.mask(
    shares,
    plan.vectors.map(({ words }) => new Int32Array(words).fill(1)),
  )
  return { sha256, bytes: bytes.length, masked }
}

function survivorsOf(round: Extract<OpenRound, { phase: 'confirm-survivors' | 'unmask' }>): Survivors {
  const { planHash, session } = round
  const survivors = survivorListOf(session, session.survivors)
  return { type: 'survivors', planHash, survivors, logHead: session.logHead }
}
