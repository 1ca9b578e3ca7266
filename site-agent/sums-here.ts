/**
 * Which sums of a study this site was in, and with whom (fedsum, section E.4), and what is left of each limit that bounds
 * what several of them tell together. Read from this site's own records; nobody is asked.
 */
import { columnsOf } from '@consilium/protos/plan/columns.ts'
import type { Purpose, RunId, Sha256, SiteName } from '@consilium/protos/plan/names.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { studiesMaxDays } from '@consilium/protos/site-limits.ts'
import { approvedInPassing } from './judge.ts'
import { changesTaken } from './partner-changes.ts'
import type { Policy } from './policy.ts'
import { closeEvaluations, labelOf } from './round/partners.ts'
import type { SiteStore } from './store/site-store.ts'
import type { KnownStudy } from './store/studies.ts'

export type SumsHere = {
  readonly study: Sha256
  readonly name: string
  /** Sums that this site confirmed among the same sites. */
  readonly sums: readonly {
    readonly run: RunId
    readonly purpose: Purpose
    readonly sites: readonly SiteName[]
    readonly count: number
    readonly firstRound: number
    readonly lastRound: number
  }[]
  /** Statistics and evaluations: the only sites they are among here, and those of before a change. */
  readonly partners: readonly {
    readonly purpose: Purpose
    readonly sites: readonly SiteName[]
    readonly past: boolean
  }[]
  /** Columns that the study standardises over all sites: what this site knows of the one sum of each. */
  readonly columns: readonly ColumnHere[]
  readonly limits: readonly LimitHere[]
}

export type ColumnHere = {
  readonly column: string
  /** Its mean is known; this site masked a sum of it that has not come out; or neither. */
  readonly state: 'known' | 'masked' | 'new'
  /** Whose statistics gave the mean. */
  readonly run?: RunId
  /** Among whom this site masked its sum. */
  readonly sites?: readonly SiteName[]
  /** Sites on whose word this one has the mean, where it verified no sum itself. */
  readonly vouchers?: number
}

export type LimitHere = {
  /** As it stands in policy.yaml. */
  readonly limit:
    | 'approve.runsMax'
    | 'approve.studiesMax'
    | 'secure.evaluateExposuresMax'
    | 'secure.trainExposuresMax'
    | 'secure.partnerChangesMax'
  /** Of what: a run, a study, a label, a lead. */
  readonly of: string
  readonly used: number
  readonly max: number
  readonly left: number
  /** A person here, or the policy, lets the study go beyond it. */
  readonly waived: boolean
}

type Reading = {
  /** This one. */
  readonly site: SiteName
  readonly store: SiteStore
  readonly policy: Pick<Policy, 'approve' | 'secure'>
  readonly now: Date
}

export function sumsHere(known: KnownStudy, reading: Reading): SumsHere {
  const { store } = reading
  const { hash, name } = known
  return {
    study: hash,
    name,
    sums: store.sessions.sums(hash),
    partners: store.partners.sets(hash).map(({ purpose, sites, past }) => ({ purpose, sites, past })),
    columns: columnsHere(known, store),
    limits: [
      runsUsed(known, reading),
      ...evaluationsUsed(known, reading),
      ...goingsUsed(known, reading),
      changesUsed(known, reading),
      studiesUsed(known.lead, reading),
    ],
  }
}

function columnsHere(known: KnownStudy, { columns, studies }: SiteStore): ColumnHere[] {
  const { features, standardisation, aggregation } = studies.read(known).manifest.study
  if (standardisation !== 'federated' || aggregation.mode !== 'secure') return []
  return columnsOf(features).map(({ name: column }) => {
    const [mean, sum] = [columns.mean(column), columns.summed(column)]
    return {
      column,
      state: mean ? 'known' : sum ? 'masked' : 'new',
      ...(mean && { run: mean.run }),
      ...(sum && { sites: sum.sites }),
      ...(mean?.vouchers !== undefined && { vouchers: mean.vouchers }),
    }
  })
}

function runsUsed({ hash, name }: KnownStudy, { store, policy: { approve } }: Reading): LimitHere {
  const runs = store.journal.runsOf(hash)
  const used = runs.reduce((sum, run) => sum + 1 + store.heads.rollbacks(run), 0)
  const accepted = [...(store.studies.decisionOn(hash)?.accepted ?? []), ...approve.accept]
  return limit('approve.runsMax', `study ${name}`, used, approve.runsMax, accepted.includes('runs'))
}

/** Of studies with the same label, those whose evaluations differ by a few sites from what this one is among. */
function evaluationsUsed(known: KnownStudy, { store, policy: { secure } }: Reading): LimitHere[] {
  const { manifest } = store.studies.read(known)
  const { cohort, aggregation, label } = manifest.study
  if (aggregation.mode !== 'secure') return []
  const { survivorsMin } = studyThresholds({ cohort, aggregation }, cohort.min)
  const own = store.partners.find(known.hash, 'evaluate')?.sites
  const close = closeEvaluations({ study: known.hash, label: labelOf(manifest), cohort: own, survivorsMin }, { store })
  return [limit('secure.evaluateExposuresMax', `label ${label.name}`, close.length, secure.evaluateExposuresMax)]
}

function goingsUsed({ hash }: KnownStudy, { store, policy: { secure } }: Reading): LimitHere[] {
  return store.journal
    .runsOf(hash)
    .map((run) =>
      limit('secure.trainExposuresMax', `run ${run}`, store.results.comingsAndGoings(run), secure.trainExposuresMax),
    )
}

function changesUsed({ hash, name }: KnownStudy, { site, store, policy: { secure } }: Reading): LimitHere {
  const taken = changesTaken(store.partnerChanges.list(hash), site)
  return limit('secure.partnerChangesMax', `study ${name}`, taken.length, secure.partnerChangesMax)
}

function studiesUsed(lead: string, { store, policy: { approve }, now }: Reading): LimitHere {
  const used = approvedInPassing(lead, store, now)
  const of = `lead ${lead} in ${studiesMaxDays} days`
  return limit('approve.studiesMax', of, used, approve.studiesMax, approve.accept.includes('studies'))
}

function limit(name: LimitHere['limit'], of: string, used: number, max: number, waived = false): LimitHere {
  return { limit: name, of, used, max, left: Math.max(0, max - used), waived }
}
