/** The messages of admin.proto from the domain's own types, and the checks of what the operator sends. */
import { countField, invalid, textField } from '@consilium/protos/fields.ts'
import type { CurrentWork as WireCurrentWork } from '@consilium/protos/gen/consilium/v1/CurrentWork.ts'
import type { KeyView as WireKeyView } from '@consilium/protos/gen/consilium/v1/KeyView.ts'
import type { RecoveryView as WireRecoveryView } from '@consilium/protos/gen/consilium/v1/RecoveryView.ts'
import type { RoundView as WireRoundView } from '@consilium/protos/gen/consilium/v1/RoundView.ts'
import type { RunView as WireRunView } from '@consilium/protos/gen/consilium/v1/RunView.ts'
import type { SiteView as WireSiteView } from '@consilium/protos/gen/consilium/v1/SiteView.ts'
import type { StudyView as WireStudyView } from '@consilium/protos/gen/consilium/v1/StudyView.ts'
import { joinCodeMinutesDefault, joinCodeMinutesMax } from '@consilium/protos/limits.ts'
import { type RunId, runIdSchema, type Sha256 } from '@consilium/protos/plan/names.ts'
import type { KeyView, RecoveryView, RoundView, RunView, SiteView, StudyView } from '../services.ts'

export function validMinutes(minutes: number): number {
  return countField(minutes, 'valid_minutes', joinCodeMinutesMax) || joinCodeMinutesDefault
}

export function runField(run: string): RunId {
  const parsed = runIdSchema.safeParse(run)
  if (!parsed.success) throw invalid('run', 'the name of a run, as `consilium run list` shows it')
  return parsed.data
}

/** A study's hash, a prefix of it, or its name. */
export function studyField(reference: string): string {
  if (reference === '') throw invalid('study', 'a name or a hash')
  return textField(reference, 'study', 200)
}

export function siteMessage({ standsOut, ...rest }: SiteView): WireSiteView {
  return { ...rest, standsOut: [...standsOut] }
}

export function keyMessage({ fingerprint, rotations }: KeyView): WireKeyView {
  return { fingerprint, rotations: [...rotations] }
}

export function recoveryMessage(view: RecoveryView): WireRecoveryView {
  const { losses, recoveries, openRuns, lostRuns, revoked, unknownCertificates, invited, ...rest } = view
  return {
    ...rest,
    losses: [...losses],
    recoveries: [...recoveries],
    openRuns: [...openRuns],
    lostRuns: [...lostRuns],
    revoked: [...revoked],
    unknownCertificates: [...unknownCertificates],
    invited: [...invited],
  }
}

/** `withStudy` adds the signed study itself. */
export function studyView(view: StudyView, withStudy: boolean): WireStudyView {
  const { signedStudy, decisions, partners, partnerChanges, ...rest } = view
  return {
    ...rest,
    decisions: [...decisions],
    partners: partners.map(({ purpose, sites }) => ({ purpose, sites: [...sites] })),
    partnerChanges: partnerChanges.map(({ agreed, awaited, unsigned, ...change }) => ({
      ...change,
      ...{ agreed: [...agreed], awaited: [...awaited], unsigned: [...unsigned] },
    })),
    ...(withStudy ? { signedStudy } : {}),
  }
}

/** The newest rounds that a view without all of them still has: enough to tell how far the run is and how good. */
const newestRounds = 3
/** Rounds that go into one message, bytes as JSON, which is longer than the message. */
const roundsBytesMax = 1024 * 1024

/** Where whole runs would not fit into one message. */
export function briefRunView(view: RunView): WireRunView {
  return runView(view, view.rounds.slice(-newestRounds))
}

/** The same run again and again: first all its rounds, then those from the newest one on that was sent before. */
export async function* runViews(views: AsyncIterable<RunView>): AsyncGenerator<WireRunView> {
  let from = 0
  for await (const view of views) {
    yield* runMessages(view, from)
    // A round before the newest never changes.
    from = Math.max(0, view.rounds.length - 1)
  }
}

/** A run with its rounds from the `from`-th on, in messages of bounded size. */
export function* runMessages(view: RunView, from = 0): Generator<WireRunView> {
  let rounds: RoundView[] = []
  let bytes = 0
  for (const round of view.rounds.slice(from)) {
    const roundBytes = Buffer.byteLength(JSON.stringify(round))
    if (rounds.length > 0 && bytes + roundBytes > roundsBytesMax) {
      yield { ...runView(view, rounds), moreRounds: true }
      rounds = []
      bytes = 0
    }
    rounds.push(round)
    bytes += roundBytes
  }
  yield runView(view, rounds)
}

function runView(view: RunView, rounds: readonly RoundView[]): WireRunView {
  const { rounds: _, current, modelSha256, parametersSha256, final, missing = [], columnsTaken = [], ...rest } = view
  return {
    ...rest,
    rounds: rounds.map(roundView),
    ...(current ? { current: currentWork(current) } : {}),
    modelSha256: hashBytes(modelSha256),
    parametersSha256: hashBytes(parametersSha256),
    final: [...final],
    columnsTaken: columnsTaken.map(({ run, columns }) => ({ run, columns: [...columns] })),
    missing: missing.map(({ first, ...site }) => ({ ...site, first: [...first] })),
  }
}

function currentWork({ sites, awaited, leftOut, ...rest }: NonNullable<RunView['current']>): WireCurrentWork {
  return {
    ...rest,
    sites: [...sites],
    ...(awaited && { awaited: { ...awaited, sites: [...awaited.sites] } }),
    ...(leftOut && { leftOut: [...leftOut] }),
  }
}

function roundView(view: RoundView): WireRoundView {
  const { cohort, survivors, dropouts, parametersSha256, secure, interrupted, ...rest } = view
  return {
    ...rest,
    cohort: [...cohort],
    survivors: [...survivors],
    dropouts: [...dropouts],
    parametersSha256: hashBytes(parametersSha256),
    ...(secure && { secure: { ...secure, confirmed: [...secure.confirmed] } }),
    ...(interrupted && { interrupted: [...interrupted] }),
  }
}

function hashBytes(sha256: Sha256 | undefined): Buffer {
  return Buffer.from(sha256 ?? '', 'hex')
}
