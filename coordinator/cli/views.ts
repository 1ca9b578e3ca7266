/** Messages of admin.proto into the domain's own types, which are also what `--json` prints. */
import type { Awaited__Output } from '@consilium/protos/gen/consilium/v1/Awaited.ts'
import type { KeyView__Output } from '@consilium/protos/gen/consilium/v1/KeyView.ts'
import type { RecoveryView__Output } from '@consilium/protos/gen/consilium/v1/RecoveryView.ts'
import type { RoundView__Output } from '@consilium/protos/gen/consilium/v1/RoundView.ts'
import type { RunView__Output } from '@consilium/protos/gen/consilium/v1/RunView.ts'
import type { SecureSession__Output } from '@consilium/protos/gen/consilium/v1/SecureSession.ts'
import type { SiteView__Output } from '@consilium/protos/gen/consilium/v1/SiteView.ts'
import type { StudyView__Output } from '@consilium/protos/gen/consilium/v1/StudyView.ts'
import { purposeSchema } from '@consilium/protos/plan/names.ts'
import { parsePartnerChange, partnerPurposes, type ReadPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { parseJson, readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import type {
  Awaited,
  KeyView,
  PartnerChangeView,
  RecoveryView,
  RoundView,
  RunView,
  SecureSessionView,
  SiteView,
  StudyView,
} from '../services.ts'
import { oneOf } from './one-of.ts'

/** Changes as the lead signed them, read. */
export type ShownChange = Omit<PartnerChangeView, 'change'> & { readonly change: ReadPartnerChange }
export type StudySummary = Omit<StudyView, 'signedStudy' | 'partnerChanges'> & {
  readonly partnerChanges: readonly ShownChange[]
}
export type ShownStudy = StudySummary & { readonly signedStudy: unknown }

export function siteView(view: SiteView__Output): SiteView {
  const { name, attending, fingerprint, certificateExpiresAt, joinedAt, revokedReason } = view
  const state = oneOf(view.state, ['invited', 'enrolled', 'revoked'])
  const standsOut = view.standsOut.map(({ studyHash, studyName, purpose, code }) => ({
    studyHash,
    studyName,
    purpose: oneOf(purpose, ['statistics', 'evaluate', 'all']),
    code: oneOf(code, ['site-fault', 'site-restored', 'data-not-ready', 'policy-refused']),
  }))
  return { name, state, attending, fingerprint, certificateExpiresAt, joinedAt, revokedReason, standsOut }
}

export function keyView({ fingerprint, rotations }: KeyView__Output): KeyView {
  return { fingerprint, rotations: rotations.map(({ at, from, to }) => ({ at, from, to })) }
}

export function recoveryView(view: RecoveryView__Output): RecoveryView {
  const { federation, epoch, openRuns, lostRuns, revoked, unknownCertificates, invited } = view
  return {
    ...{ federation, epoch },
    losses: view.losses.map(({ at, by, what, text }) => {
      return { at, by, what: oneOf(what, ['entries', 'revocation', 'key', 'certificate']), text }
    }),
    recoveries: view.recoveries.map(({ at, epoch: begun, size }) => ({ at, epoch: begun, size })),
    ...{ openRuns, lostRuns, revoked, unknownCertificates, invited },
  }
}

/** Without the signed study, as lists hold it. */
export function studySummary(view: StudyView__Output): StudySummary {
  const { hash, name, title, leadFingerprint, createdAt } = view
  const decisions = view.decisions.map(({ site, decision, reason, at }) => ({ site, decision, reason, at }))
  const partners = view.partners.map(({ purpose, sites }) => ({ purpose: oneOf(purpose, partnerPurposes), sites }))
  const partnerChanges = view.partnerChanges.map(({ change, at, agreed, awaited, unsigned }) => {
    return { change: parsePartnerChange(change), at, agreed, awaited, unsigned }
  })
  return { hash, name, title, leadFingerprint, createdAt, decisions, partners, partnerChanges }
}

/** With the signed study, its signature verified here too; as it was signed, without the defaults of today. */
export function studyView(view: StudyView__Output): ShownStudy {
  readSignedStudy(view.signedStudy)
  return { ...studySummary(view), signedStudy: parseJson(view.signedStudy) }
}

/** Whole runs from messages that each hold some of their rounds. */
export async function* runViews(messages: AsyncIterable<RunView__Output>): AsyncGenerator<RunView> {
  let rounds: readonly RoundView[] = []
  for await (const message of messages) {
    const view = runView(message)
    const first = view.rounds[0]?.round ?? Number.POSITIVE_INFINITY
    rounds = [...rounds.filter(({ round }) => round < first), ...view.rounds]
    if (!message.moreRounds) yield { ...view, rounds }
  }
}

export function runView(view: RunView__Output): RunView {
  const { run, studyHash, studyName, reason, startedAt, endedAt, roundsPlanned, logHead } = view
  return {
    run,
    studyHash,
    studyName,
    state: oneOf(view.state, ['running', 'finished', 'failed', 'cancelled']),
    reason,
    startedAt,
    endedAt,
    aggregation: oneOf(view.aggregation, ['secure', 'sealed']),
    roundsPlanned,
    rounds: view.rounds.map(roundView),
    ...(view.current ? { current: currentWork(view.current) } : {}),
    ...optionalHash('modelSha256', view.modelSha256),
    ...optionalHash('parametersSha256', view.parametersSha256),
    logHead,
    ...(view.columnsTaken.length > 0 && {
      columnsTaken: view.columnsTaken.map(({ run, columns }) => ({ run, columns })),
    }),
    ...(view.missing.length > 0 && {
      missing: view.missing.map(({ site, rounds, first }) => ({ site, rounds, first })),
    }),
    final: view.final.map((result) => ({
      site: result.site,
      ...optionalNumbers(result, ['auroc', 'accuracy', 'loss']),
      examples: result.examples,
    })),
  }
}

function roundView(view: RoundView__Output): RoundView {
  const { round, cohort, survivors, uploadBytes, seconds, clippedShare } = view
  return {
    round,
    cohort,
    survivors,
    dropouts: view.dropouts.map(({ site, reason, purpose, phase }) => ({
      site,
      reason,
      purpose: oneOf(purpose, purposeSchema.options),
      phase,
    })),
    ...optionalNumbers(view, ['loss', 'auroc', 'accuracy', 'meanSiteAccuracy', 'trainingLoss', 'contributors']),
    uploadBytes,
    seconds,
    clippedShare,
    ...optionalHash('parametersSha256', view.parametersSha256),
    ...(view.secure ? { secure: secureSession(view.secure) } : {}),
    ...(view.withheld ? { withheld: view.withheld } : {}),
    ...(view.interrupted.length > 0 ? { interrupted: view.interrupted } : {}),
  }
}

function secureSession(view: SecureSession__Output): SecureSessionView {
  const { sites, colluders, threshold, survivorsMin, confirmed } = view
  return { sites, colluders, threshold, survivorsMin, confirmed }
}

function currentWork(current: NonNullable<RunView__Output['current']>): NonNullable<RunView['current']> {
  const { round, purpose, phase, attempt, sites, awaited, leftOut } = current
  return {
    round,
    purpose: oneOf(purpose, purposeSchema.options),
    phase,
    ...(attempt > 0 ? { attempt } : {}),
    sites: sites.map(({ awaySince, ...site }) => ({ ...site, ...(awaySince !== '' && { awaySince }) })),
    ...(awaited ? { awaited: awaitedView(awaited) } : {}),
    ...(leftOut.length > 0 ? { leftOut: leftOut.map(({ site, reason }) => ({ site, reason })) } : {}),
  }
}

function awaitedView({ answers, sites, because, until }: Awaited__Output): Awaited {
  return {
    answers,
    sites,
    ...(because !== '' && { because: oneOf(because, ['required', 'partners']) }),
    ...(until !== '' && { until }),
  }
}

function optionalHash<Key extends string>(key: Key, bytes: Uint8Array): { readonly [name in Key]?: string } {
  return bytes.length > 0 ? ({ [key]: Buffer.from(bytes).toString('hex') } as { readonly [name in Key]: string }) : {}
}

function optionalNumbers<Key extends string>(
  view: { readonly [name in Key]?: number },
  keys: readonly Key[],
): { readonly [name in Key]?: number } {
  return Object.fromEntries(keys.filter((key) => view[key] !== undefined).map((key) => [key, view[key]])) as {
    readonly [name in Key]?: number
  }
}
