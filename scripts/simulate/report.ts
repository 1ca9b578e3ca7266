/**
 * The report of one run: what `--json` prints, and the larger object that `report.json` keeps and `report.html` shows.
 * Every figure is the coordinator's, which is to say the sum of what the sites chose to send.
 */
import { subsetText } from '@consilium/coordinator/run/subset.ts'
import type { RoundView, RunView } from '@consilium/coordinator/services.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { WeightMode } from '@consilium/protos/secagg/weights.ts'
import type { Audit } from './audit.ts'

export type RoundSummary = {
  readonly round: number
  readonly cohort: readonly string[]
  readonly survivors: readonly string[]
  /** Mean loss over all sites' test rows; null where no site could evaluate. */
  readonly loss: number | null
  /** Over all sites' test rows together; null where they hold one label only, or the label is not binary. */
  readonly auroc: number | null
  readonly accuracy: number | null
  /** Received from all sites in this round, training and evaluation. */
  readonly uploadBytes: number
  readonly seconds: number
}

export type SiteSummary = { readonly auroc: number | null; readonly accuracy: number | null; readonly examples: number }

/** What `--json` prints, no more and no less. */
export type Summary = {
  readonly study: string
  readonly data: string
  readonly aggregation: RunView['aggregation']
  readonly rounds: readonly RoundSummary[]
  readonly final: {
    readonly auroc: number | null
    /** Share of all sites' test rows that the final model puts into the right class. */
    readonly accuracy: number | null
    /** Plain mean of the sites' accuracies, as published benchmarks on few sites report it. */
    readonly meanSiteAccuracy: number | null
    /** Empty in secure mode: what a single site measured stays there. */
    readonly perSite: Readonly<Record<string, SiteSummary>>
  }
  readonly model: { readonly path: string; readonly sha256: string }
  readonly logHead: string
  /** From the start of the run to its end. */
  readonly seconds: number
}

export type RoundReport = RoundSummary & {
  readonly dropouts: RoundView['dropouts']
  readonly trainingLoss: number | null
  readonly meanSiteAccuracy: number | null
  /** Thresholds of a secure round and who signed its survivor set. */
  readonly secure?: NonNullable<RoundView['secure']>
  /** Share of the survivors whose update was longer than the study allows and was scaled down. */
  readonly clippedShare: number
  /** Survivors that gave more than zeros; absent in sealed mode. */
  readonly contributors?: number
  /** What of the round was not made because a partner was missing, and who. */
  readonly withheld?: string
  /** Attempts of its statistics or evaluation that lost a partner, and whom. */
  readonly interrupted?: readonly string[]
}

/** What `report.json` holds. */
export type Report = Omit<Summary, 'rounds'> & {
  readonly rounds: readonly RoundReport[]
  readonly title: string
  readonly description: string
  /** What is predicted: AUROC is known for a binary label only, accuracy for all but a number. */
  readonly label: Study['label']['type']
  readonly standardisation: Study['standardisation']
  /** How a site counts in the average; absent in sealed mode. */
  readonly weights?: WeightMode
  /** Sealed mode: mean loss over each site's test rows; null where it could not evaluate. */
  readonly siteLosses: Readonly<Record<string, number | null>>
  readonly synthetic: boolean
  readonly run: string
  readonly state: RunView['state']
  readonly startedAt: string
  readonly endedAt: string
  readonly roundsPlanned: number
  /** Whom the run went on without, and in which rounds; empty where every site was in every round. */
  readonly subset: string
  readonly studySha256: string
  readonly parametersSha256: string
  /** The exchange of sums that standardises the features; absent where the study does without. */
  readonly statistics?: RoundReport
  /** Sites that rejected the study or refused it later, as where their data do not fit. */
  readonly refusals: readonly Refusal[]
  /** The bundle with which the run can be checked elsewhere. */
  readonly audit: Audit
  readonly fingerprints: Fingerprints
  readonly version: string
}

export type Refusal = { readonly site: string; readonly reason: string }

export type Fingerprints = {
  readonly lead: string
  readonly coordinator: string
  readonly sites: Readonly<Record<string, string>>
}

export type ReportSources = {
  readonly run: RunView
  readonly study: Pick<Study, 'name' | 'title' | 'description' | 'label' | 'standardisation' | 'aggregation'>
  readonly data: { readonly description: string; readonly synthetic: boolean }
  readonly model: Summary['model']
  readonly logHead: string
  readonly refusals: readonly Refusal[]
  readonly audit: Audit
  readonly fingerprints: Fingerprints
  readonly version: string
}

export function buildReport({
  run,
  study,
  data,
  model,
  logHead,
  refusals,
  audit,
  fingerprints,
  version,
}: ReportSources): Report {
  const reports = run.rounds.map(roundReport)
  const rounds = reports.filter(({ round }) => round > 0)
  const statistics = reports.find(({ round }) => round === 0)
  return {
    study: study.name,
    data: data.description,
    aggregation: run.aggregation,
    rounds,
    final: finalOf(run, rounds),
    model,
    logHead,
    ...(study.aggregation.mode === 'secure' && { weights: study.aggregation.weights }),
    seconds: (Date.parse(run.endedAt) - Date.parse(run.startedAt)) / 1000,
    title: study.title,
    description: study.description,
    label: study.label.type,
    standardisation: study.standardisation,
    siteLosses: Object.fromEntries(run.final.map(({ site, loss }) => [site, loss ?? null])),
    synthetic: data.synthetic,
    run: run.run,
    state: run.state,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    roundsPlanned: run.roundsPlanned,
    subset: subsetText(run),
    studySha256: run.studyHash,
    parametersSha256: run.parametersSha256 ?? '',
    ...(statistics && { statistics }),
    refusals,
    audit,
    fingerprints,
    version,
  }
}

/** The part of the report that `--json` prints. */
export function summaryOf({ study, data, aggregation, rounds, final, model, logHead, seconds }: Report): Summary {
  return {
    study,
    data,
    aggregation,
    rounds: rounds.map(({ round, cohort, survivors, loss, auroc, accuracy, uploadBytes, seconds }) => ({
      round,
      cohort,
      survivors,
      loss,
      auroc,
      accuracy,
      uploadBytes,
      seconds,
    })),
    final,
    model,
    logHead,
    seconds,
  }
}

/** Which figures a label of this kind has, besides the loss. */
export function measured({ label }: Report): { readonly auroc: boolean; readonly accuracy: boolean } {
  return { auroc: label === 'binary', accuracy: label !== 'number' }
}

/** What model.onnx has to be given. */
export function modelInputs({ standardisation }: Report): string {
  return standardisation === 'per-site'
    ? 'takes raw features, and the means and deviations of the site it is used at'
    : 'takes raw features'
}

function roundReport(view: RoundView): RoundReport {
  return {
    round: view.round,
    cohort: view.cohort,
    survivors: view.survivors,
    loss: view.loss ?? null,
    auroc: view.auroc ?? null,
    accuracy: view.accuracy ?? null,
    uploadBytes: view.uploadBytes,
    seconds: view.seconds,
    dropouts: view.dropouts,
    trainingLoss: view.trainingLoss ?? null,
    meanSiteAccuracy: view.meanSiteAccuracy ?? null,
    clippedShare: view.clippedShare,
    ...(view.contributors !== undefined && { contributors: view.contributors }),
    ...(view.withheld && { withheld: view.withheld }),
    ...(view.interrupted && { interrupted: view.interrupted }),
    ...(view.secure && { secure: view.secure }),
  }
}

/** Sites that were in a cohort, by name. */
export function cohortSites({ rounds }: Pick<Report, 'rounds'>): string[] {
  return [...new Set(rounds.flatMap(({ cohort }) => cohort))].sort()
}

function finalOf(run: RunView, rounds: readonly RoundReport[]): Report['final'] {
  const last = rounds.at(-1)
  return {
    auroc: last?.auroc ?? null,
    accuracy: last?.accuracy ?? null,
    meanSiteAccuracy: last?.meanSiteAccuracy ?? null,
    perSite: Object.fromEntries(
      run.final.map(({ site, auroc, accuracy, examples }) => [
        site,
        { auroc: auroc ?? null, accuracy: accuracy ?? null, examples },
      ]),
    ),
  }
}
