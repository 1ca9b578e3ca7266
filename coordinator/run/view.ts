/** A run as the operator's edges show it: one row a round, and how far each site of the present round has come. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { awaitedConfirmations } from '../round/confirm-survivors.ts'
import type { RoundOver } from '../round/over.ts'
import type { LeftOut } from '../round/pins.ts'
import type { OpenRound } from '../round/round.ts'
import { awaitedReleases } from '../round/unmask.ts'
import { awaitedVerdicts } from '../round/verify.ts'
import type { Awaited, RoundView, RunView } from '../services.ts'
import type { Run } from './state.ts'
import { missingSites } from './subset.ts'

/** What a site has done in the present phase: steps or rows while it works, bytes while it uploads. */
export type SiteProgress = { readonly done: number; readonly total: number; readonly uploadedBytes: number }

/** What the present round shows of who is there. */
export type Around = {
  readonly leftOut: readonly LeftOut[]
  /** Sites that it waits for as it recruits, why, and until when. */
  readonly awaited?: Awaited
  /** Since when a site is not connected, epoch milliseconds. */
  readonly away: ReadonlyMap<SiteName, number>
}

const nobody: Around = { leftOut: [], away: new Map() }

/** `around`: the present round. */
export function runView(
  run: Run,
  logHead: string,
  progress: ReadonlyMap<SiteName, SiteProgress>,
  around: Around = nobody,
): RunView {
  const missing = missingSites(run)
  return {
    run: run.id,
    studyHash: run.study,
    studyName: run.manifest.study.name,
    state: run.state,
    reason: run.reason,
    startedAt: new Date(run.startedAtMs).toISOString(),
    endedAt: run.endedAtMs === undefined ? '' : new Date(run.endedAtMs).toISOString(),
    aggregation: run.manifest.study.aggregation.mode,
    roundsPlanned: run.manifest.study.rounds,
    rounds: roundViews(run.past),
    ...(run.current && { current: currentView(run.current, progress, around) }),
    ...(run.model && { modelSha256: run.model }),
    parametersSha256: run.parameters,
    logHead,
    final: run.siteResults,
    ...(missing.length > 0 && { missing }),
    ...(run.taken.length > 0 && { columnsTaken: run.taken }),
  }
}

/** One view a round number: a train round and the evaluation of its result belong together. */
function roundViews(past: readonly RoundOver[]): RoundView[] {
  const views: RoundView[] = []
  for (const over of past) {
    const last = views.at(-1)
    if (last?.round === over.setting.round) views[views.length - 1] = merged(last, over)
    else views.push(merged(emptyView(over.setting.round), over))
  }
  return views
}

function emptyView(round: number): RoundView {
  return { round, cohort: [], survivors: [], dropouts: [], uploadBytes: 0, seconds: 0, clippedShare: 0 }
}

function merged(view: RoundView, over: RoundOver): RoundView {
  const { purpose, startedAtMs } = over.setting
  const received = [...over.updates.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  const base: RoundView = {
    ...view,
    dropouts: [
      ...view.dropouts,
      ...over.dropouts.map(({ site, cause, reason, phase }) => ({
        site,
        reason: `${cause}: ${reason}`,
        purpose,
        phase,
      })),
    ],
    uploadBytes: view.uploadBytes + received,
    seconds: Math.round(1000 * view.seconds + over.endedAtMs - startedAtMs) / 1000,
    // The row tells who trained; an evaluation has a cohort of its own only where it stands alone.
    ...(purpose !== 'evaluate' && {
      cohort: over.cohort,
      survivors: over.survivors,
      ...(over.secure && { secure: { ...over.secure.thresholds, confirmed: over.secure.confirmed } }),
    }),
  }
  if (over.outcome.type === 'failed') {
    const { code, reason } = over.outcome
    if (code === 'interrupted')
      return { ...base, interrupted: [...(view.interrupted ?? []), interruptedText(over, reason)] }
    return code === 'withheld' ? { ...base, withheld: `${wordsOf[purpose]} withheld: ${reason}` } : base
  }
  const { result } = over.outcome
  switch (result.purpose) {
    case 'statistics':
      return base
    case 'train':
      return {
        ...base,
        trainingLoss: result.loss,
        clippedShare: result.clippedSites / over.survivors.length,
        ...(result.contributors !== undefined && { contributors: result.contributors }),
        parametersSha256: result.parameters,
      }
    case 'evaluate': {
      const { loss, auroc, accuracy, meanSiteAccuracy } = result
      return {
        ...base,
        ...(loss !== undefined && { loss }),
        ...(auroc !== undefined && { auroc }),
        ...(accuracy !== undefined && { accuracy }),
        ...(meanSiteAccuracy !== undefined && { meanSiteAccuracy }),
      }
    }
  }
}

function interruptedText({ setting: { purpose, attempt } }: RoundOver, reason: string): string {
  return `${wordsOf[purpose]}, attempt ${attempt?.number ?? 1}, interrupted: ${reason}`
}

const wordsOf = { statistics: 'statistics', train: 'training', evaluate: 'evaluation' }

function currentView(
  round: OpenRound,
  progress: ReadonlyMap<SiteName, SiteProgress>,
  { leftOut, awaited: recruiting, away }: Around,
): NonNullable<RunView['current']> {
  const { round: number, purpose, attempt } = round.setting
  const sites = (round.phase === 'recruit' ? round.expected : round.cohort).map((site) => ({
    site,
    state: siteState(round, site),
    ...(progress.get(site) ?? { done: 0, total: 0, uploadedBytes: 0 }),
    ...(away.has(site) && { awaySince: new Date(away.get(site)!).toISOString() }),
  }))
  const awaited = recruiting ?? awaitedAnswers(round)
  return {
    ...{ round: number, purpose, phase: round.phase, sites },
    ...(attempt && { attempt: attempt.number }),
    ...(awaited && { awaited }),
    ...(leftOut.length > 0 && { leftOut }),
  }
}

/** The phases that end with a threshold of answers, whoever gives them. */
function awaitedAnswers(round: OpenRound): { answers: number; sites: readonly SiteName[] } | undefined {
  if (round.phase === 'confirm-survivors') return awaitedConfirmations(round)
  if (round.phase === 'verify') return awaitedVerdicts(round)
  return round.phase === 'unmask' ? awaitedReleases(round) : undefined
}

/** How far a site has come: the newest thing it did, or what it is at. */
function siteState(round: OpenRound, site: SiteName): string {
  if (round.phase === 'recruit') return 'expected'
  const dropout = round.dropouts.find((dropped) => dropped.site === site)
  if (dropout) return `dropped: ${dropout.cause}`
  switch (round.phase) {
    case 'work':
      return round.done.has(site) ? 'done' : 'working'
    case 'advertise-keys':
      return round.session.advertised.has(site) ? 'advertised' : 'done'
    case 'share-keys':
      return round.session.shared.has(site) ? 'shared' : 'advertised'
    case 'collect-updates':
      return round.updates.has(site) ? 'uploaded' : 'uploading'
    case 'confirm-survivors':
      return round.session.confirmed.has(site) ? 'confirmed' : 'uploaded'
    case 'unmask':
      if (round.session.revealed.has(site)) return 'revealed'
      return round.session.confirmed.has(site) ? 'confirmed' : 'uploaded'
    case 'commit':
      return round.session?.revealed.has(site) ? 'revealed' : 'uploaded'
    case 'verify':
      if (round.verified.has(site)) return 'verified'
      if (round.disputed.has(site)) return 'found the sum wrong'
      return round.session.revealed.has(site) ? 'revealed' : 'uploaded'
  }
}
