/** A study against the policy as it is now, with what this site knows of it: for consent, for each plan, for its people. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { RunId } from '@consilium/protos/plan/names.ts'
import { studiesMaxDays } from '@consilium/protos/site-limits.ts'
import { type Breach, breaches, breachTexts, type Judged, open, rulesOfRows, zeroShareMax } from './breaches.ts'
import { originOf } from './origin.ts'
import type { Policy } from './policy.ts'
import type { NamedStudy } from './round/assignment.ts'
import type { SiteStore } from './store/site-store.ts'
import type { KnownStudy } from './store/studies.ts'
import type { DataSummary } from './train/trainer.ts'

export type Judging = {
  readonly store: Pick<SiteStore, 'studies' | 'records' | 'results' | 'journal' | 'roster' | 'heads'>
  readonly policy: Pick<Policy, 'approve' | 'rows'>
}

/** `more`: what is judged besides the study itself; see {@link Judged}. */
export function judge(
  { hash, manifest }: NamedStudy,
  { store, policy }: Judging,
  more: Pick<Judged, 'data' | 'deciding' | 'runs'> = {},
): readonly Breach[] {
  return breaches({ manifest, origin: originOf({ hash, manifest }, store.results.isFromRun), policy, ...more })
}

/** All that a person who decides, or looks at a study, has to know; the rules about rows once the data were checked. */
export function judgeWhole(study: NamedStudy, judging: Judging): readonly Breach[] {
  const { store } = judging
  const data = store.records.dataCheckOf(study.hash)?.found
  const deciding = { sites: store.roster.pins().length + 1, approvedLately: 0 }
  return judge(study, judging, { deciding, ...(data && { data }) })
}

const lateMs = studiesMaxDays * 24 * 3_600_000

/** As the policy would decide by itself. */
export function judgeInPassing(study: NamedStudy & Pick<KnownStudy, 'lead'>, judging: Judging, now: Date) {
  const { roster } = judging.store
  const approvedLately = approvedInPassing(study.lead, judging.store, now)
  return judge(study, judging, { deciding: { sites: roster.pins().length + 1, approvedLately } })
}

/** How many studies of a lead the policy approved without asking, of late. */
export function approvedInPassing(lead: string, { studies }: Pick<SiteStore, 'studies'>, now: Date): number {
  const since = new Date(now.getTime() - lateMs).toISOString()
  return studies
    .list()
    .flatMap(({ hash }) => studies.decisions(hash).slice(0, 1))
    .filter((decision) => decision.by === 'policy' && decision.lead === lead && decision.at >= since).length
}

/** A plan of an approved study under the policy as it is now; throws `policy-refused` naming each rule. */
export function checkPolicy(study: NamedStudy, run: RunId, judging: Judging): void {
  const { journal, studies, heads } = judging.store
  const runs = journal.runsOf(study.hash)
  const position = runs.includes(run) ? runs.indexOf(run) + 1 : runs.length + 1
  const rollbacks = runs.reduce((sum, each) => sum + heads.rollbacks(each), 0)
  const found = open(
    judge(study, judging, { runs: position + rollbacks }),
    studies.decisionOn(study.hash)?.accepted ?? [],
  )
  if (found.length === 0) return
  throw new FederationError(
    'policy-refused',
    `study ${study.manifest.study.name} is approved here, and breaks rules of the policy as it is now (${breachTexts(found)}): change policy.yaml, or accept them with site-agent study approve ${study.hash.slice(0, 12)} --accept ${found.map(({ rule }) => rule).join(',')}`,
  )
}

/** The rows of a study that was approved; throws `data-too-few` for what no person accepted. */
export function checkRows(study: NamedStudy, data: DataSummary, judging: Judging): void {
  const found = ofRows(study, data, judging)
  if (found.length > 0) throw tooFew(study, found)
}

/** Throws `update-invalid` for an update that may hold single records, unless the approval or the policy says that it may go. */
export function checkZeros({ hash, manifest }: NamedStudy, zeroShare: number, { store, policy }: Judging): void {
  const accepted = [...(store.studies.decisionOn(hash)?.accepted ?? []), ...policy.approve.accept]
  if (zeroShare <= zeroShareMax || accepted.includes('zeros')) return
  throw new FederationError(
    'update-invalid',
    `${(100 * zeroShare).toFixed(1)} % of the update is exactly zero, over ${100 * zeroShareMax} %: it may hold single records, and is not sent. Where study ${manifest.study.name} has a reason for it (embeddings), a person here may accept that: site-agent study approve ${hash.slice(0, 12)} --accept zeros`,
  )
}

/** Throws `data-too-few` at a site whose policy asks for more test rows than it did when the study was taken up. */
export function checkTestRows(study: NamedStudy, judging: Judging): void {
  const lack = testRowsLack(study, judging)
  if (lack) throw lack
}

/** Undefined where the test rows are enough, or were not counted yet. */
export function testRowsLack(study: NamedStudy, judging: Judging): FederationError | undefined {
  const data = judging.store.records.dataCheckOf(study.hash)?.found
  const found = data ? ofRows(study, data, judging).filter(({ rule }) => rule === 'test-rows') : []
  return found.length > 0 ? tooFew(study, found) : undefined
}

function ofRows(study: NamedStudy, data: DataSummary, judging: Judging): readonly Breach[] {
  const accepted = judging.store.studies.decisionOn(study.hash)?.accepted ?? []
  return open(judge(study, judging, { data }), accepted).filter(({ rule }) => rulesOfRows.includes(rule))
}

function tooFew({ hash, manifest }: NamedStudy, found: readonly Breach[]): FederationError {
  return new FederationError(
    'data-too-few',
    `study ${manifest.study.name}: ${breachTexts(found)}. A person here may lower it in policy.yaml (rows) or accept it: site-agent study approve ${hash.slice(0, 12)} --accept ${found.map(({ rule }) => rule).join(',')}`,
  )
}
