/** Everything a site's agent keeps below its state folder: studies and decisions, journal, records, egress ledger, files. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type AttendanceStore, openAttendance } from './attendance.ts'
import { type Columns, openColumns } from './columns.ts'
import { type CoordinatorLog, openCoordinatorLog } from './coordinator-log.ts'
import { openDatabase } from './database.ts'
import { type EgressStore, openEgressLedger } from './egress-ledger.ts'
import { openErasableKeys } from './erasable-keys.ts'
import { type ObjectFolder, type Outbox, openObjectFolder, openOutbox } from './folders.ts'
import { type Heads, openHeads } from './heads.ts'
import { type Journal, openJournal } from './journal.ts'
import { openPartnerChanges, type PartnerChanges } from './partner-changes.ts'
import { openPartners, type PartnerStore } from './partners.ts'
import { openRecords, type Records } from './records.ts'
import { openResults, type Results } from './results.ts'
import { openRoster, type Roster } from './roster.ts'
import { openSessionLedger, type SessionLedger } from './session-ledger.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { openStandOuts, type StandOuts } from './stand-outs.ts'
import { type StudyStore, studyStore } from './studies.ts'
import { openTestRows, type TestRows } from './test-rows.ts'

export type SiteStore = {
  readonly studies: StudyStore
  readonly journal: Journal
  readonly sessions: Sessions
  readonly sessionLedger: SessionLedger
  readonly records: Records
  readonly attendance: AttendanceStore
  readonly roster: Roster
  readonly heads: Heads
  readonly coordinatorLog: CoordinatorLog
  readonly results: Results
  readonly standOuts: StandOuts
  readonly partners: PartnerStore
  readonly partnerChanges: PartnerChanges
  readonly testRows: TestRows
  readonly columns: Columns
  readonly egress: EgressStore
  readonly outbox: Outbox
  readonly objects: ObjectFolder
  close(): void
}

/** Opens (and on first use makes) the store of a state folder. The agent and the command line may have it open at once. */
export function openSiteStore(state: string, now: () => Date = () => new Date()): SiteStore {
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const database = openDatabase(join(state, 'agent.sqlite'))
  return {
    studies: studyStore(database, now),
    journal: openJournal(database, now),
    sessions: openSessions(database, openErasableKeys(join(state, 'session-keys'))),
    sessionLedger: openSessionLedger(database, now),
    records: openRecords(database, now),
    attendance: openAttendance(database, now),
    roster: openRoster(database, now),
    heads: openHeads(database, now),
    coordinatorLog: openCoordinatorLog(database, now),
    results: openResults(database, now),
    standOuts: openStandOuts(database, now),
    partners: openPartners(database, now),
    partnerChanges: openPartnerChanges(database, now),
    testRows: openTestRows(database, now),
    columns: openColumns(database, now),
    egress: openEgressLedger(database),
    outbox: openOutbox(join(state, 'outbox')),
    objects: openObjectFolder(join(state, 'objects')),
    close: () => database.close(),
  }
}
