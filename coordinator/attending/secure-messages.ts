/**
 * What the coordinator tells a site in the phases of a secure round: lists that are the same for all, and the shares that
 * were sealed for this one. Each is put together only when a stream has not had it yet.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { ReceivedShare, SecureToSite } from '@consilium/protos/secagg/messages.ts'
import {
  type ConfirmingSession,
  confirmationsOf,
  directoryOf,
  type MaskingSession,
  rosterEntry,
  type SharingSession,
  sharersOf,
  survivorListOf,
} from '../round/session.ts'
import type { Verifying } from '../round/verify.ts'
import type { Replays } from '../summing/replays.ts'
import type { StoredMessages } from '../summing/stored-messages.ts'
import type { StoredSums } from '../summing/stored-sums.ts'
import type { Outgoing } from './attending.ts'

/** U1, with the keys of each. */
export function directory(planHash: Sha256, session: SharingSession): Outgoing {
  return lazily('directory', planHash, () => {
    return { type: 'directory', planHash, sites: directoryOf(session, session.advertisers) }
  })
}

/** U2, and what each of them sealed for this site. */
export function shares(
  planHash: Sha256,
  session: MaskingSession,
  site: SiteName,
  messages: Pick<StoredMessages, 'loaded'>,
): Outgoing {
  return lazily('shares', planHash, () => {
    const received = session.sharers
      .filter((dealer) => dealer !== site)
      .map((dealer) => receivedShare(session, dealer, site, messages))
    return { type: 'shares', planHash, sharers: sharersOf(session, session.sharers), received }
  })
}

/** U3, with what each of them signed, and the head of the log it is confirmed with. */
export function survivors(planHash: Sha256, session: ConfirmingSession): Outgoing {
  return lazily('survivors', planHash, () => {
    const { logHead } = session
    return { type: 'survivors', planHash, survivors: survivorListOf(session, session.survivors), logHead }
  })
}

export function quorum(planHash: Sha256, session: ConfirmingSession): Outgoing {
  return lazily('quorum', planHash, () => {
    return { type: 'quorum', planHash, confirmations: confirmationsOf(session) }
  })
}

/** The committed sum and what it made; the words come along where they are short and at hand, and so does what made them. */
export function verifySum(
  { planHash, judged, session }: Verifying,
  stored: Pick<StoredSums, 'loaded'>,
  replays: Pick<Replays, 'loaded'>,
): Outgoing {
  return lazily('verify-sum', planHash, () => {
    const { sums, made } = judged
    const words = stored.loaded(sums)
    const replay = replays.loaded(planHash, session)
    if (replay === 'missing') throw new FederationError('internal', 'what a sum was made of was not gathered again')
    return { type: 'verify-sum', planHash, sums, made, ...(words && { words }), ...(replay && { replay }) }
  })
}

function receivedShare(
  session: MaskingSession,
  dealer: SiteName,
  site: SiteName,
  messages: Pick<StoredMessages, 'loaded'>,
): ReceivedShare {
  const to = rosterEntry(session, site).index
  const dealt = messages.loaded(session.shared.get(dealer)!.message)
  const row = dealt?.rows.find(({ index }) => index === to)
  if (!dealt || !row) throw new FederationError('internal', `what ${dealer} sealed for ${site} was not read again`)
  return { ...row, index: rosterEntry(session, dealer).index, groupCommitment: dealt.groupCommitment }
}

function lazily(name: string, planHash: Sha256, message: () => SecureToSite): Outgoing {
  return {
    key: `${name}:${planHash}`,
    get message() {
      return message()
    },
  }
}
