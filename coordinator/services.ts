/**
 * What the gRPC edges may ask of the coordinator, in the domain's own types: `grpc/` calls these, `coordinator.ts`
 * implements them. Refusals are rejections with a FederationError, which `grpc/status.ts` turns into a status.
 */
import type {
  FromSite as FromSiteMessage,
  LogProof,
  LogProofRequest,
  RosterSite,
  StoodOut,
  ToSite,
} from '@consilium/protos/control-messages.ts'
import type { Checkpoint } from '@consilium/protos/log/checkpoint.ts'
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { PartnerPurpose, PartnerWord, SignedPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import type { MaskedInput } from '@consilium/protos/secagg/messages.ts'
import type { Thresholds } from '@consilium/protos/secagg/thresholds.ts'
import type { RunOutlook, TakenColumns } from './run-outlook.ts'

export type { RunOutlook } from './run-outlook.ts'

export type JoinRequest = {
  readonly site: SiteName
  readonly secret: Uint8Array
  readonly certificateRequest: Uint8Array
  readonly identityPublicKey: Uint8Array
  readonly identitySignature: Uint8Array
}

export type JoinReply = {
  readonly certificatePem: string
  readonly authorityPem: string
  readonly coordinatorPublicKey: Uint8Array
  readonly federation: string
}

/** Who calls, as the verified client certificate says. `serial` is lower-case hexadecimal. */
export type Caller = {
  readonly site: SiteName
  readonly serial: string
  readonly expiresAt: Date
  /** When its certificate was issued, or a little earlier. */
  readonly issuedAt?: Date
}

/** The first message of every stream. */
export type Hello = {
  readonly type: 'hello'
  readonly agentVersion: string
  /** Of this stream; 32 hexadecimal digits. */
  readonly nonce: string
  /** Nonces of streams that the same process held before and that broke for it. */
  readonly earlier: readonly string[]
}

export type FromSite = Hello | FromSiteMessage

export type { ToSite } from '@consilium/protos/control-messages.ts'

/** One open control stream, as the edge hands it in. */
export type SiteStream = {
  readonly caller: Caller
  /** The site attends by this stream from now on. */
  admit(): void
  send(message: ToSite): void
  /**
   * Ends the stream: revoked, expired, replaced by a newer stream of the same process, beside another agent of the same
   * site, or the coordinator stops.
   */
  end(
    code: 'certificate-revoked' | 'certificate-expired' | 'stale-round' | 'already-attending' | 'cancelled',
    reason: string,
  ): void
}

/** What the edge calls as the stream goes on, after its hello. */
export type StreamListener = { receive(message: FromSite): void; closed(): void }

export type UploadHeader = {
  readonly planHash: Sha256
  readonly sha256: Sha256
  readonly size: number
  readonly offset: number
  /** In secure mode: what the site signed about its masked vectors. */
  readonly masked?: MaskedInput
}

export interface FederationService {
  join(request: JoinRequest): Promise<JoinReply>
  renew(caller: Caller, certificateRequest: Uint8Array): Promise<string>
  /** Throws for a caller whose certificate was revoked, replaced or has expired; called before every other method. */
  checkCaller(caller: Caller): void
  /** Admits the stream, at once or once it is settled that no other agent of the site attends; or ends it. */
  attend(stream: SiteStream, hello: Hello): StreamListener
  studies(caller: Caller): Promise<readonly Uint8Array[]>
  decide(caller: Caller, decision: StudyDecision): Promise<void>
  /** What the caller says of a study's partners, under its own signature. */
  sayOfPartners(caller: Caller, word: PartnerWord): Promise<void>
  /** What the caller has pinned, all of it; of use only while it attends. */
  pin(caller: Caller, sites: readonly RosterSite[]): Promise<void>
  /** What the caller takes no part in, all of it; likewise. */
  standOut(caller: Caller, of: readonly StoodOut[]): Promise<void>
  /** Throws `not-found` for a run the caller has no part in, `invalid-argument` for sizes beyond its log. */
  proveLog(caller: Caller, request: LogProofRequest): Promise<LogProof>
  fetch(caller: Caller, sha256: Sha256, offset: number): Promise<AsyncIterable<Uint8Array>>
  uploadOffset(caller: Caller, planHash: Sha256): Promise<{ readonly offset: number; readonly complete: boolean }>
  /**
   * Takes the next chunk only once the one before is staged: the edge then tells the site that it is. Where the site
   * is cut off, `chunks` throws `link-down` after the last chunk that came in whole; what is staged stays.
   */
  upload(caller: Caller, header: UploadHeader, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly size: number }>
}

export type StudyDecision = {
  readonly studyHash: Sha256
  readonly decision: 'approve' | 'reject'
  readonly reason: string
  readonly signature: Uint8Array
}

export type SiteView = {
  readonly name: SiteName
  readonly state: 'invited' | 'enrolled' | 'revoked'
  readonly attending: boolean
  readonly fingerprint: string
  readonly certificateExpiresAt: string
  readonly joinedAt: string
  readonly revokedReason: string
  /** What it says it takes no part in, while it attends. */
  readonly standsOut: readonly {
    readonly studyHash: Sha256
    readonly studyName: string
    readonly purpose: StoodOut['purpose']
    readonly code: StoodOut['code']
  }[]
}

/** The coordinator's key, by fingerprints that people compare with what their site pinned. */
export type KeyView = {
  readonly fingerprint: string
  /** Oldest first. */
  readonly rotations: readonly { readonly at: string; readonly from: string; readonly to: string }[]
}

/** Whether the coordinator runs from an old copy of its home folder, and what going on from it means. */
export type RecoveryView = {
  readonly federation: string
  /** 1, and one more with each recovery. */
  readonly epoch: number
  /** What is proven to be missing: empty for a coordinator that is whole. */
  readonly losses: readonly {
    readonly at: string
    readonly by: SiteName
    readonly what: 'entries' | 'revocation' | 'key' | 'certificate'
    readonly text: string
  }[]
  /** Oldest first; `size` is how many entries of the federation's stream there were. */
  readonly recoveries: readonly { readonly at: string; readonly epoch: number; readonly size: number }[]
  /** Runs that a recovery ends. */
  readonly openRuns: readonly RunId[]
  /** Names of runs that only sites know. */
  readonly lostRuns: readonly RunId[]
  /** Sites that a recovery revokes, by proof. */
  readonly revoked: readonly SiteName[]
  /** Sites whose certificate this log does not know. */
  readonly unknownCertificates: readonly SiteName[]
  /** Sites whose join codes end with a recovery. */
  readonly invited: readonly SiteName[]
}

export type StudyView = {
  readonly hash: Sha256
  readonly name: string
  readonly title: string
  readonly leadFingerprint: string
  readonly createdAt: string
  readonly decisions: readonly {
    readonly site: SiteName
    readonly decision: string
    readonly reason: string
    readonly at: string
  }[]
  /** Whom its statistics and evaluations are among, once that is settled. */
  readonly partners: readonly { readonly purpose: PartnerPurpose; readonly sites: readonly SiteName[] }[]
  /** Oldest first. */
  readonly partnerChanges: readonly PartnerChangeView[]
  /** JSON as the lead signed it: with the defaults of today filled in it would be another study. */
  readonly signedStudy: Uint8Array
}

export type PartnerChangeView = {
  /** Canonical JSON, as the lead signed it. */
  readonly change: Uint8Array
  readonly at: string
  /** Sites that go along, those that joined among them. */
  readonly agreed: readonly SiteName[]
  /** Sites without whose word it does not count. */
  readonly awaited: readonly SiteName[]
  /** Sites that leave by it and have not said so: people at every other site decide. */
  readonly unsigned: readonly SiteName[]
}

/** How a study's updates are added: under masks, or each sealed to the run's key. */
export type AggregationMode = 'secure' | 'sealed'

export type RoundView = {
  readonly round: number
  readonly cohort: readonly SiteName[]
  readonly survivors: readonly SiteName[]
  readonly dropouts: readonly {
    readonly site: SiteName
    readonly reason: string
    readonly purpose: Purpose
    /** In which phase it dropped out. */
    readonly phase: string
  }[]
  readonly loss?: number
  readonly auroc?: number
  readonly accuracy?: number
  /** Mean of the sites' accuracies, each site counting the same. */
  readonly meanSiteAccuracy?: number
  readonly trainingLoss?: number
  readonly uploadBytes: number
  readonly seconds: number
  readonly clippedShare: number
  /** Survivors that gave more than zeros to the training; which, nobody knows but they. Absent in sealed mode. */
  readonly contributors?: number
  /** Which part of the round was not made because a partner was missing, and who. */
  readonly withheld?: string
  /** Attempts of its statistics or evaluation that lost a partner, and whom; others followed. Absent where there is none. */
  readonly interrupted?: readonly string[]
  readonly parametersSha256?: Sha256
  /** Of the round that trained (or, in round 0, summed up); absent in sealed mode and where no session came about. */
  readonly secure?: SecureSessionView
}

/** What protected a secure round's sum: n, c, t and m of its session, and who signed its survivor set. */
export type SecureSessionView = Thresholds & { readonly confirmed: readonly SiteName[] }

/** A site that is not in the sums of so many training rounds; `first` are the numbers of the first of them. */
export type MissingSite = { readonly site: SiteName; readonly rounds: number; readonly first: readonly number[] }

export type Awaited = {
  readonly answers: number
  readonly sites: readonly SiteName[]
  readonly because?: 'required' | 'partners'
  readonly until?: string
}

export type RunView = {
  readonly run: RunId
  readonly studyHash: Sha256
  readonly studyName: string
  readonly state: 'running' | 'finished' | 'failed' | 'cancelled'
  readonly reason: string
  readonly startedAt: string
  readonly endedAt: string
  readonly aggregation: AggregationMode
  readonly roundsPlanned: number
  readonly rounds: readonly RoundView[]
  readonly current?: {
    readonly round: number
    readonly purpose: Purpose
    readonly phase: string
    /** From 2 on, where a round that lost a partner is attempted again; else absent. */
    readonly attempt?: number
    readonly sites: readonly {
      readonly site: SiteName
      readonly state: string
      readonly done: number
      readonly total: number
      readonly uploadedBytes: number
      /** ISO 8601; absent while the site is connected. */
      readonly awaySince?: string
    }[]
    /**
     * In confirm-survivors and unmask: so many more answers are needed, from any of these sites. As it recruits: sites that
     * are not there and that the study requires, or without whom there are no such sums; until when (ISO 8601), if not for
     * ever.
     */
    readonly awaited?: Awaited
    /** Sites that attend and are not recruited with the others because of what they pinned; absent where there is none. */
    readonly leftOut?: readonly { readonly site: SiteName; readonly reason: string }[]
  }
  readonly modelSha256?: Sha256
  readonly parametersSha256?: Sha256
  readonly logHead: string
  /** Columns whose means came of earlier runs; absent where there is none. */
  readonly columnsTaken?: readonly TakenColumns[]
  /** Sites that the run went on without in some round; absent where there is none. */
  readonly missing?: readonly MissingSite[]
  /** Results of single sites: sealed mode only, else empty. */
  readonly final: readonly {
    readonly site: SiteName
    readonly auroc?: number
    readonly accuracy?: number
    readonly loss?: number
    readonly examples: number
  }[]
}

export interface AdminService {
  addSite(name: SiteName, validMinutes: number): Promise<{ readonly joinCode: string; readonly expiresAt: string }>
  listSites(): Promise<readonly SiteView[]>
  revokeSite(name: SiteName, reason: string): Promise<SiteView>
  showKey(): Promise<KeyView>
  /** A new identity takes the place of the coordinator's; throws `permission-denied` while a run goes on. */
  rotateKey(): Promise<KeyView>
  showRecovery(): Promise<RecoveryView>
  /**
   * Goes on from an old copy. `readmit`: sites whose certificate, which the log does not know, is good again. Throws
   * `not-restored` where nothing is proven to be missing, `coordinator-key-changed` where the signing key is.
   */
  recover(readmit: readonly SiteName[]): Promise<RecoveryView>
  /** `objects` yields each object the study names, in any order, as it arrives. */
  createStudy(signedStudy: Uint8Array, objects: AsyncIterable<Uint8Array>): Promise<StudyView>
  /** Throws `signature-invalid` where it is not the study's lead's, `partners-refused` where sites would refuse it. */
  changePartners(signed: SignedPartnerChange): Promise<StudyView>
  listStudies(): Promise<readonly StudyView[]>
  showStudy(reference: string): Promise<StudyView>
  /** The study as it stands, then again after every decision of a site, until `signal` aborts. */
  watchStudy(reference: string, signal: AbortSignal): AsyncIterable<StudyView>
  /** `without`: sites left out of statistics and evaluations, for this study for good. */
  startRun(studyReference: string, without?: readonly SiteName[]): Promise<RunView>
  /** What would become of such a run now; nothing starts. */
  planRun(studyReference: string, without?: readonly SiteName[]): Promise<RunOutlook>
  cancelRun(run: RunId, reason: string): Promise<RunView>
  /**
   * A run that has trained all its rounds waits no longer for the evaluation of its last model. Throws `stale-round` where it
   * has not, and where there is nothing to wait for.
   */
  finishRun(run: RunId, reason: string): Promise<RunView>
  /** The model of a run that has trained all its rounds, as an object; throws `not-found` for one that has not. */
  exportModel(run: RunId): Promise<Sha256>
  /**
   * The run goes on from the model that train round `round` made. Throws `not-found` where it made none, `stale-round`
   * where the run is over or about to be, `already-exists` where that model is the present one.
   */
  rollBackRun(run: RunId, round: number, reason: string): Promise<RunView>
  listRuns(): Promise<readonly RunView[]>
  showRun(run: RunId): Promise<RunView>
  watchRun(run: RunId, signal: AbortSignal): AsyncIterable<RunView>
  fetchObject(sha256: Sha256, offset: number): Promise<AsyncIterable<Uint8Array>>
  readLog(stream: string | undefined): AsyncIterable<LogEntry>
  /** The coordinator's signature over a stream's head as it stands; throws `not-found` for a stream it does not keep. */
  signedHead(stream: string): Promise<Checkpoint>
}
