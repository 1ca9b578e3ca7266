/** The parts of a coordinator as its services see them: what it was opened with, and what it made of that. */
import type { Clock } from '@consilium/protos/clock.ts'
import type { KnownHeads, SignedLedger } from '@consilium/protos/control-messages.ts'
import type { RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import type { Logger } from 'pino'
import type { Attending } from './attending/attending.ts'
import type { CertificateAuthority } from './certificate-authority.ts'
import type { Changes } from './changes.ts'
import type { RunProcess } from './driving/run-process.ts'
import type { EventStream } from './event-stream.ts'
import type { FederationEvent } from './federation/events.ts'
import type { Federation, RunRecord } from './federation/federation.ts'
import type { Serial } from './intake/serial.ts'
import type { Uploads } from './intake/uploads.ts'
import type { Partners } from './run/state.ts'
import type { CoordinatorIdentity } from './store/coordinator-identity.ts'
import type { EventLog } from './store/event-log.ts'
import type { KeyVault } from './store/key-vault.ts'
import type { ObjectStore } from './store/object-store.ts'
import type { Studies } from './study/studies.ts'
import type { StoredMessages } from './summing/stored-messages.ts'

export type CoordinatorOptions = {
  /** The federation's name, used when it is created. */
  readonly federation: string
  /** host:port at which sites reach the coordinator, for join codes. */
  readonly siteAddress: () => string
  readonly eventLog: EventLog
  readonly objects: ObjectStore
  readonly vault: KeyVault
  readonly authority: Pick<CertificateAuthority, 'certificatePem' | 'fingerprint' | 'issueSiteCertificate'>
  readonly identity: CoordinatorIdentity
  readonly clock: Clock
  readonly log: Logger
  /** How long a site's certificate is good, days. */
  readonly certificateDays: number
  /** Told when the event log refused an append: the process can only end. */
  readonly onFailure: (error: Error) => void
}

/** What both services work with. */
export type Parts = CoordinatorOptions & {
  readonly stream: EventStream<Federation, FederationEvent>
  /** Studies and their decisions changed. */
  readonly changes: Changes
  readonly studies: Studies
  readonly runs: ReadonlyMap<RunId, RunProcess>
  readonly attending: Attending
  /** A site told how far its own ledger of sessions, or those of its peers, were seen. */
  readonly ledgersTold: (by: SiteName, ledgers: readonly SignedLedger[]) => void
  /** A site told what it holds of this coordinator's own signatures. */
  readonly headsTold: (by: SiteName, told: KnownHeads) => Promise<void>
  readonly uploads: Uploads
  readonly messages: StoredMessages
  /** Work for the same key waits for the one before it. */
  readonly inOrder: Serial
  readonly findRun: (planHash: Sha256) => RunProcess | undefined
  readonly startRun: (record: RunRecord) => Promise<RunProcess>
  /** Whom statistics and evaluations of a study are among, by its runs and by the changes in force. */
  readonly partnersOf: (study: Sha256) => Partners
  /** Tells sites and runs after the federation changed. */
  readonly federationChanged: () => void
}
