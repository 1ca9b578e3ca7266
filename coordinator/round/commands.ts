/** What a round can be told: by sites, by the shell that takes in and sums, by time. */
import type { LogHead } from '@consilium/protos/log/head.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { MaskedInput, ShareKeysMessage, Unmask } from '@consilium/protos/secagg/messages.ts'
import type { ComplaintReason } from '@consilium/protos/secagg/signed-messages.ts'
import type { ColumnStates } from './columns.ts'
import type { RoundResult } from './events.ts'
import type { Update } from './planned.ts'
import type { Attendance } from './presence.ts'

/**
 * `look` is what the shell says whenever somebody came or went, made progress, or a deadline passed; `logHead` is the head
 * of the run's log then. What a site says is verified by `decide` (signatures, indices, thresholds); only the shares of
 * `share-keys` and `reveal-shares` were compared with stored commitments by the shell before.
 */
export type RoundCommand =
  | {
      readonly type: 'look'
      readonly attendance: Attendance
      readonly logHead: LogHead
      /** What other runs made of columns. */
      readonly columns?: ColumnStates
    }
  | (OfSite<'advertise-keys'> & { readonly body: Uint8Array; readonly signature: Uint8Array })
  /** `object` holds the message whole. */
  | (OfSite<'share-keys'> & { readonly message: ShareKeysMessage; readonly object: Sha256 })
  | (OfSite<'complain'> & {
      readonly against: number
      readonly reason: ComplaintReason
      readonly signature: Uint8Array
    })
  | (OfSite<'confirm-survivors'> & { readonly signature: Uint8Array })
  | (OfSite<'reveal-shares'> & { readonly message: Unmask; readonly object: Sha256 })
  /** The site sent what no honest agent sends: it takes no further part. */
  | (OfSite<'misbehave'> & { readonly reason: string })
  | { readonly type: 'finish-work'; readonly planHash: Sha256; readonly site: SiteName }
  | {
      readonly type: 'refuse-work'
      readonly planHash: Sha256
      readonly site: SiteName
      readonly reason: string
      readonly cause?: 'peer-restored'
    }
  | (OfSite<'announce-update'> & Update & { readonly masked?: MaskedInput })
  | ({ readonly type: 'receive-update'; readonly planHash: Sha256; readonly site: SiteName } & Update)
  | { readonly type: 'refuse-late-update'; readonly planHash: Sha256; readonly site: SiteName }
  | {
      readonly type: 'refuse-contribution'
      readonly planHash: Sha256
      readonly site: SiteName
      readonly reason: string
    }
  | { readonly type: 'commit'; readonly planHash: Sha256; readonly result: RoundResult; readonly sums?: Sha256 }
  | (OfSite<'judge-sum'> & {
      readonly verdict: 'verified' | 'sum-not-verified'
      readonly sums: Sha256
      readonly made: Sha256
      readonly signature: Uint8Array
    })
  | {
      readonly type: 'give-up'
      readonly planHash: Sha256
      readonly code: 'update-invalid' | 'too-few-contributors' | 'shares-invalid'
      readonly reason: string
    }

type OfSite<Type extends string> = { readonly type: Type; readonly planHash: Sha256; readonly site: SiteName }
