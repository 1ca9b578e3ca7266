/**
 * The one door of the site: every byte that leaves goes through a Link, which enters it in the egress ledger. A link only
 * dials out.
 */
import type {
  FromSite,
  LogProof,
  LogProofRequest,
  RosterSite,
  StoodOut,
  ToSite,
} from '@consilium/protos/control-messages.ts'
import type { ErrorCode } from '@consilium/protos/errors.ts'
import type { Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PartnerWord } from '@consilium/protos/plan/partner-change.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'

/** The link answers a ping by itself. */
export type FromCoordinator = Exclude<ToSite, { type: 'ping' }>
export type ToCoordinator = Exclude<FromSite, { type: 'pong' }>

/**
 * One message that left (or is leaving) the site, as the egress ledger keeps it: `bytes` and `sha256` are those of the
 * serialised message. Entries of kind `transport` hold what the connections carried besides (TLS and HTTP/2 around the
 * messages), so that the sum of all entries is what the site's sockets wrote.
 */
export type EgressRecord = {
  readonly at: string
  readonly kind: string
  /** Hash of the study it was for; empty for joining, presence and renewal. */
  readonly study: string
  readonly bytes: number
  readonly sha256: Sha256
}

/** Where a link enters what leaves, before the bytes go: kill -9 loses no entry, a power cut none that has content. */
export interface EgressLedger {
  append(record: EgressRecord): void
}

export interface Link {
  readonly site: SiteName
  /**
   * Holds the control stream open and calls `onMessage` for each message in order, `onUp` after each (re)connection
   * before any message and `onDown` with the reason when it breaks, or is refused because another agent attends for this
   * site (`already-attending`: it is tried again, slowly). Reconnects with growing, jittered delays until `signal` aborts;
   * rejects only for what dialling again cannot mend (`certificate-revoked`, `unauthenticated`).
   */
  attend(handlers: {
    readonly onUp: () => void
    readonly onDown: (reason: string, code?: ErrorCode) => void
    readonly onMessage: (message: FromCoordinator) => void
    readonly signal: AbortSignal
  }): Promise<void>
  /** Sends on the control stream; dropped silently while it is down (the agent says it again after `onUp`). `study` is for the ledger. */
  send(message: ToCoordinator, study: string): void
  studies(): Promise<readonly Uint8Array[]>
  decide(decision: {
    readonly studyHash: Sha256
    readonly decision: 'approve' | 'reject'
    readonly reason: string
    readonly signature: Uint8Array
  }): Promise<void>
  /** Says what this site signed of the partners of a study. */
  sayOfPartners(word: PartnerWord): Promise<void>
  /** Says what this site has pinned without a control stream: for the command line, beside the running agent. */
  pin(sites: readonly RosterSite[]): Promise<void>
  /** Says what this site takes no part in, likewise. */
  standOut(of: readonly StoodOut[]): Promise<void>
  /**
   * Downloads an object into `path`, going on where an earlier attempt stopped; it is there only with the right hash.
   * Rejects with `limit-exceeded` as soon as more than `bytesMax` come, with `hash-mismatch` for another object.
   */
  fetch(download: {
    readonly sha256: Sha256
    readonly bytesMax: number
    readonly path: string
    readonly study: string
    /** More of it has arrived. */
    readonly onProgress?: () => void
    readonly signal: AbortSignal
  }): Promise<void>
  /**
   * What proves that a run's log extends what this site confirmed; the hashes are the caller's to check. Goes on asking
   * while nothing answers, until the link is closed; rejects with what the coordinator refuses.
   */
  proveLog(request: LogProofRequest, study: string): Promise<LogProof>
  /** Uploads the file from the offset the coordinator already has; goes on by itself after a cut until `signal` aborts. */
  upload(upload: {
    readonly planHash: Sha256
    readonly path: string
    readonly study: string
    /** In secure mode: what this site signed about the masked vectors in the file. */
    readonly masked?: MaskedInput
    readonly onProgress: (sentBytes: number, totalBytes: number) => void
    readonly signal: AbortSignal
  }): Promise<void>
  /** Ends everything; resolves once every connection is closed and the ledger holds what they carried. */
  close(): Promise<void>
}
