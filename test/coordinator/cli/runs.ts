/** States of a run as the coordinator tells them, for the tests of `consilium run`. */
import type { RoundView, RunOutlook, RunView } from '@consilium/coordinator/services.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'

export const modelBytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251))
export const modelSha256 = sha256Hex(modelBytes)

const cohort = ['basel', 'budapest', 'long-beach']

export function aRound(round: number, changes: Partial<RoundView> = {}): RoundView {
  return {
    round,
    cohort,
    survivors: cohort,
    dropouts: [],
    loss: 0.5,
    auroc: 0.8 + round / 100,
    accuracy: 0.75,
    trainingLoss: 0.55,
    uploadBytes: 12_345,
    seconds: 0.4,
    clippedShare: 0,
    ...changes,
  }
}

export function aRun(changes: Partial<RunView> = {}): RunView {
  return {
    run: 'heart-1',
    studyHash: 'ab'.repeat(32),
    studyName: 'heart-disease',
    state: 'running',
    reason: '',
    startedAt: '2026-11-05T12:00:00.000Z',
    endedAt: '',
    aggregation: 'secure',
    roundsPlanned: 2,
    rounds: [],
    logHead: 'cd'.repeat(32),
    final: [],
    ...changes,
  }
}

const working = (done: number) =>
  cohort.map((site, i) => ({ site, state: 'working', done: done - i * 10, total: 100, uploadedBytes: 0 }))

/** A sealed run from its start to its end, with one dropout. */
export function runStates(): RunView[] {
  const second = aRound(2, {
    survivors: cohort.slice(0, 2),
    dropouts: [{ site: 'long-beach', reason: 'no progress for 600 s', purpose: 'train', phase: 'work' }],
  })
  const ended = { state: 'finished' as const, endedAt: '2026-11-05T12:00:02.000Z', modelSha256 }
  const sealed = (changes: Partial<RunView>) => aRun({ aggregation: 'sealed', ...changes })
  return [
    sealed({ current: { round: 1, purpose: 'train', phase: 'work', sites: working(20) } }),
    sealed({ current: { round: 1, purpose: 'train', phase: 'work', sites: working(60) } }),
    sealed({ current: { round: 1, purpose: 'train', phase: 'collect-updates', sites: working(100) } }),
    sealed({ rounds: [aRound(1)], current: { round: 2, purpose: 'train', phase: 'work', sites: working(30) } }),
    sealed({
      ...ended,
      rounds: [aRound(1), second],
      final: cohort.map((site) => ({ site, examples: 50, loss: 0.5, auroc: 0.9, accuracy: 0.8 })),
    }),
  ]
}

/** One round of a secure run, phase by phase, with one dropout while updates are collected. */
export function secureRunStates(): RunView[] {
  const sites = ['basel', 'budapest', 'geneva', 'long-beach']
  const session = { sites: 4, colluders: 1, threshold: 3, survivorsMin: 3 }
  const in_ = (phase: string, awaited?: { readonly answers: number; readonly sites: readonly string[] }) =>
    aRun({
      roundsPlanned: 1,
      current: {
        round: 1,
        purpose: 'train',
        phase,
        sites: sites.map((site) => ({ site, state: 'asked', done: 0, total: 0, uploadedBytes: 0 })),
        ...(awaited && { awaited }),
      },
    })
  const survivors = sites.slice(0, 3)
  return [
    ...['work', 'advertise-keys', 'share-keys', 'collect-updates'].map((phase) => in_(phase)),
    in_('confirm-survivors', { answers: 3, sites: survivors }),
    in_('unmask', { answers: 1, sites: ['budapest', 'geneva'] }),
    in_('commit'),
    aRun({
      state: 'finished',
      endedAt: '2026-11-05T12:00:02.000Z',
      modelSha256,
      roundsPlanned: 1,
      rounds: [
        aRound(1, {
          cohort: sites,
          survivors,
          meanSiteAccuracy: 0.7125,
          dropouts: [
            { site: 'long-beach', reason: 'no progress for 300 s', purpose: 'train', phase: 'collect-updates' },
          ],
          secure: { ...session, confirmed: survivors },
        }),
      ],
    }),
  ]
}

/** va is away, and one limit is used up. */
export const anOutlook: RunOutlook = {
  studyHash: '3f'.repeat(32),
  studyName: 'heart-disease',
  aggregation: 'secure',
  refusals: [],
  columnsTaken: [{ run: 'stroke-1', columns: ['age', 'chol'] }],
  sites: [
    { site: 'basel', decision: 'approve', attending: true },
    { site: 'va', decision: 'approve', attending: false, awaySince: '2026-11-05T11:00:00.000Z' },
    { site: 'zurich', decision: 'none', attending: false },
  ],
  thresholds: { planned: 4, sites: 3, colluders: 1, survivorsMin: 3, threshold: 3, fewest: 3 },
  sums: [
    {
      purpose: 'train',
      outlook: 'made',
      sites: ['basel'],
      settled: false,
      missing: [],
      reason: '',
      waysOut: [],
    },
    {
      purpose: 'evaluate',
      outlook: 'withheld',
      sites: ['basel', 'va'],
      settled: true,
      missing: [{ site: 'va', why: 'not connected since 2026-11-05T11:00:00.000Z' }],
      reason: 'va is missing',
      waysOut: ['wait until va is there'],
    },
  ],
  limits: [{ limit: 'approve.runsMax', used: 5, max: 5, sites: ['basel'], text: 'runs of this study' }],
}
