/** The report's figures and its page: complete, escaped, and loading nothing from anywhere. */
import { createHash } from 'node:crypto'
import type { Label } from '@consilium/protos/plan/study.ts'
import { describe, expect, test } from 'vitest'
import type { RunView } from '../../coordinator/services.ts'
import { buildReport, type Report, type ReportSources, summaryOf } from '../../scripts/simulate/report.ts'
import { reportHtml } from '../../scripts/simulate/report-html.ts'

const sites = ['cleveland', 'hungarian', 'va']

const run: RunView = {
  run: 'heart-1',
  studyHash: 'a1'.repeat(32),
  studyName: 'heart',
  state: 'finished',
  reason: '',
  startedAt: '2026-11-22T20:00:00.000Z',
  endedAt: '2026-11-22T20:00:04.500Z',
  aggregation: 'sealed',
  roundsPlanned: 3,
  rounds: [
    { round: 0, cohort: sites, survivors: sites, dropouts: [], uploadBytes: 900, seconds: 0.25, clippedShare: 0 },
    {
      round: 1,
      cohort: sites,
      survivors: sites,
      dropouts: [],
      loss: 0.6,
      auroc: 0.71,
      accuracy: 0.65,
      trainingLoss: 0.66,
      uploadBytes: 3000,
      seconds: 0.5,
      clippedShare: 0,
    },
    {
      round: 2,
      cohort: sites,
      survivors: ['cleveland', 'hungarian'],
      dropouts: [{ site: 'va', reason: 'away for <10 s> & more', purpose: 'train', phase: 'collect-updates' }],
      loss: 0.5,
      auroc: 0.8125,
      accuracy: 0.75,
      uploadBytes: 2000,
      seconds: 0.75,
      clippedShare: 0.5,
    },
    {
      round: 3,
      cohort: sites,
      survivors: sites,
      dropouts: [],
      loss: 0.45,
      auroc: 0.8765,
      accuracy: 0.84375,
      meanSiteAccuracy: 0.9,
      uploadBytes: 3000,
      seconds: 0.5,
      clippedShare: 0,
    },
  ],
  missing: [{ site: 'va', rounds: 1, first: [2] }],
  parametersSha256: 'b2'.repeat(32),
  modelSha256: 'c3'.repeat(32),
  logHead: 'd4'.repeat(32),
  final: [
    { site: 'cleveland', auroc: 0.9, accuracy: 0.8, examples: 100 },
    { site: 'hungarian', auroc: 0.85, accuracy: 0.9, examples: 50 },
    { site: 'va', accuracy: 1, examples: 10 },
  ],
}

const sources: ReportSources = {
  run,
  study: {
    name: 'heart',
    title: 'Hearts <& minds>',
    description: 'A "study".',
    label: { name: 'disease', type: 'binary' },
    standardisation: 'federated',
    aggregation: { mode: 'sealed' },
  },
  data: { description: 'real data, four hospitals', synthetic: false },
  model: { path: '/out/model.onnx', sha256: 'c3'.repeat(32) },
  logHead: 'd4'.repeat(32),
  refusals: [],
  audit: { path: '/out/audit.jsonl', entries: 217, root: 'e5'.repeat(32) },
  fingerprints: {
    lead: 'SHA256:lead',
    coordinator: 'SHA256:coordinator',
    sites: { cleveland: 'SHA256:one', hungarian: 'SHA256:two', va: 'SHA256:three' },
  },
  version: '0.1.0',
}

const report = buildReport(sources)
const synthetic: Report = { ...report, synthetic: true, data: 'SYNTHETIC data' }

describe('the report', () => {
  test('keeps the statistics round apart from the training rounds', () => {
    expect(report.rounds.map(({ round }) => round)).toEqual([1, 2, 3])
    expect(report.statistics?.round).toBe(0)
  })

  test('ends with the figures of the last round, the mean over sites beside the pooled accuracy', () => {
    expect(report.final).toMatchObject({ accuracy: 0.84375, meanSiteAccuracy: 0.9 })
    expect(report.final.auroc).toBe(0.8765)
    expect(report.final.perSite.va).toEqual({ auroc: null, accuracy: 1, examples: 10 })
    expect(report.seconds).toBe(4.5)
  })

  test('says in its first lines that the run went on without a hospital, and nothing where it did not', () => {
    expect(reportHtml(report)).toContain('the run finished after 3 rounds without va in round 2. Their records')
    const { missing: _, ...whole } = run
    expect(reportHtml(buildReport({ ...sources, run: whole }))).toContain(
      'the run finished after 3 rounds. Their records',
    )
  })

  test('says in its first lines that the last model was not evaluated, and why; a gap before it stands with the rounds', () => {
    const gapIn = (round: number) => {
      const withheld = 'evaluation withheld: va is missing'
      const rounds = run.rounds.map((view) => (view.round === round ? { ...view, withheld } : view))
      return reportHtml(buildReport({ ...sources, run: { ...run, rounds } }))
    }
    const words = 'its last model was not evaluated (evaluation withheld: va is missing). Their records'
    expect(gapIn(3)).toContain(words)
    expect(gapIn(2)).not.toContain(words)
    for (const round of [2, 3]) expect(gapIn(round)).toContain(`<li>Round ${round}, evaluation withheld: va is missing`)
  })

  test('of a run without any evaluation has no figures, rather than zeros', () => {
    const bare = buildReport({ ...sources, run: { ...run, rounds: [], final: [] } })
    expect(bare.final).toEqual({ auroc: null, accuracy: null, meanSiteAccuracy: null, perSite: {} })
    expect(reportHtml(bare)).toContain('No round reported this figure.')
  })

  test('prints exactly the keys that scripts rely on', () => {
    const summary = summaryOf(report)
    expect(Object.keys(summary)).toEqual([
      'study',
      'data',
      'aggregation',
      'rounds',
      'final',
      'model',
      'logHead',
      'seconds',
    ])
    expect(Object.keys(summary.rounds[0]!)).toEqual([
      'round',
      'cohort',
      'survivors',
      'loss',
      'auroc',
      'accuracy',
      'uploadBytes',
      'seconds',
    ])
    expect(Object.keys(summary.model)).toEqual(['path', 'sha256'])
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary)
  })
})

describe('the page', () => {
  const page = reportHtml(report)

  test.for([
    '0.876',
    '0.900',
    '0.850',
    '84.4 %',
    '90.0 %',
    'SHA256:lead',
    'SHA256:coordinator',
    'SHA256:three',
    'c3'.repeat(32),
    'd4'.repeat(32),
    'a1'.repeat(32),
    'heart-1',
    '8.9 kB',
  ])('shows %s', (figure) => {
    expect(page).toContain(figure)
  })

  test('names no address it could load from', () => {
    expect(page).not.toMatch(/https?:|\/\/|@import|url\(|<script|<link|<img|src=/)
  })

  test('allows its own style by hash and nothing else', () => {
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)![1]!
    const hash = createHash('sha256').update(style).digest('base64')
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    )
    expect(page).not.toContain(' style=')
  })

  test('escapes what people wrote', () => {
    expect(page).toContain('Hearts &#60;&#38; minds&#62;')
    expect(page).toContain('away for &#60;10 s&#62; &#38; more')
    expect(page).not.toContain('<& minds>')
  })

  test('names the dropout, its round and its reason', () => {
    expect(page).toMatch(/Round 2, <strong>va<\/strong> \(train, collect updates\)/)
    expect(page).toContain('va, round 2: dropped out in collect updates: away')
    expect(page).toContain('No AUROC for va')
  })

  test('names a site that refused the study, with its reason', () => {
    const refused = reportHtml({ ...report, refusals: [{ site: 'basel', reason: 'column age, data row 1' }] })
    expect(refused).toContain('<strong>basel</strong> does not take part: column age, data row 1')
    expect(refused).toContain('basel, round 1: not in the cohort')
  })

  test('describes every drawing in words', () => {
    const drawings = page.match(/<svg[^>]*role="img"[^>]*>/g)!
    expect(drawings).toHaveLength(4)
    for (const drawing of drawings)
      for (const id of /aria-labelledby="([^"]+)"/.exec(drawing)![1]!.split(' ')) expect(page).toContain(`id="${id}"`)
  })

  test('says synthetic in its title, in a banner and at every site where the data are generated', () => {
    const marked = reportHtml(synthetic)
    expect(marked).toContain('<title>SYNTHETIC DATA')
    expect(marked).toContain('class="banner"')
    expect(marked.match(/class="tag">synthetic/g)).toHaveLength(3)
    expect(page).not.toMatch(/synthetic data/i)
  })

  test('draws rounds without a figure as a gap', () => {
    const gap = reportHtml({
      ...report,
      rounds: report.rounds.map((round, i) => (i === 1 ? { ...round, auroc: null } : round)),
    })
    expect(/aria-labelledby="auroc-title[\s\S]*?<path class="line" d="([^"]*)"/.exec(gap)![1]).toMatch(
      /^M[^ML]*M[^ML]*$/,
    )
  })
})

describe('the page of a secure run', () => {
  const session = { sites: 3, colluders: 0, threshold: 2, survivorsMin: 3, confirmed: sites }
  const rounds = run.rounds.map((round) => ({ ...round, secure: session }))
  const secureRun: RunView = { ...run, aggregation: 'secure', rounds, final: [] }
  const aggregation = { mode: 'secure', weights: 'bucket', weightMax: 65_536 } as const
  const secure = (changes: Partial<RunView> = {}, weights: 'uniform' | 'bucket' | 'exact' = 'bucket') =>
    buildReport({
      ...sources,
      study: { ...sources.study, aggregation: { ...aggregation, weights } },
      run: { ...secureRun, ...changes },
    })
  const page = reportHtml(secure())

  test('names every hospital and no result of any', () => {
    expect(secure().final).toEqual({ auroc: 0.8765, accuracy: 0.84375, meanSiteAccuracy: 0.9, perSite: {} })
    for (const words of ['SHA256:one', 'SHA256:three', '3 hospitals trained', 'What a single hospital measured stays'])
      expect(page).toContain(words)
    expect(page).toMatch(/<th scope="row">va<\/th><td class="number">2 of 3<\/td>/)
    expect(page).toContain('Mean of the hospitals’ accuracies, each counting the same: 90.0 %')
    for (const words of ['At each hospital', 'No AUROC for', 'open every single']) expect(page).not.toContain(words)
  })

  test.for([
    'n = 3 sites with keys; t = 2 of them must answer; m = 3 at least in a sum; c = 0 may work with the coordinator',
    'bucket: training rows as a power of two',
    'by the signatures of 3 hospitals',
    'Mutual TLS',
    `up to the head <code>${'d4'.repeat(32)}</code>`,
    'the audit bundle <code>audit.jsonl</code> verified offline, 217 entries',
    'neither is a poisoned one',
  ])('tells of the protections: %s', (words) => {
    expect(page).toContain(words)
  })

  test('tells in which rounds the thresholds were others, and how many hospitals confirmed', () => {
    const last = { ...session, sites: 4, colluders: 1, threshold: 3, confirmed: sites.slice(1) }
    const changed = reportHtml(secure({ rounds: [...rounds.slice(0, 3), { ...rounds[3]!, secure: last }] }, 'exact'))
    expect(changed).toContain('rounds 0, 1, 2: n = 3 sites with keys')
    expect(changed).toContain('round 3: n = 4 sites with keys; t = 3')
    expect(changed).toContain('by the signatures of 2 to 3 hospitals')
    expect(changed).toContain('<span title="hungarian, va">2 of 3</span>')
    expect(changed).toContain('exact: training rows; known as a sum only')
  })
})

test('the page of a sealed run says that the coordinator could open every single update', () => {
  const page = reportHtml(report)
  expect(page).toMatch(/class="alarm">Sealed, no secure aggregation:.*could open every single one/)
  expect(page).toContain('At each hospital')
  expect(page).not.toContain('Survivor sets')
})

describe('the page of a study', () => {
  const label: Label = { name: 'pressure', type: 'number', range: [0, 400] }
  const final = sites.map((site, i) => ({ site, examples: 10, loss: 20_000 + i }))
  const rounds = [{ ...run.rounds[0]!, round: 1, loss: 23_220.6512 }]
  const regression = reportHtml(
    buildReport({ ...sources, study: { ...sources.study, label }, run: { ...run, rounds, final } }),
  )

  test('of a number tells the loss, pooled and at each site, and neither AUROC nor accuracy', () => {
    for (const figure of ['23220.651', '20000.000', '20002.000']) expect(regression).toContain(figure)
    expect(regression.split('Round by round')[0]).not.toMatch(/AUROC|[Aa]ccuracy/)
  })

  test('with large losses writes them short enough for the margin of the curve', () => {
    for (const [, label] of regression.matchAll(/text-anchor="end">([^<]*)</g)) expect(label!.length).toBeLessThan(7)
  })

  test.for([
    ['federated', /it takes raw features\.</],
    ['per-site', /it takes raw features, and the means and deviations of the site/],
  ] as const)('standardised %s says what the model has to be given', ([standardisation, words]) => {
    expect(reportHtml({ ...report, standardisation })).toMatch(words)
  })
})
