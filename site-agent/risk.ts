/**
 * What a study means for the patients of this site, in the words of who has to answer for them: what it reads of whom, how
 * often it computes what, what leaves under which protection, and what an author who means ill could learn from that. It is
 * derived from what was signed and from counts; nothing in it is the author's own account.
 */
import { parameterCount, type StudyManifest } from '@consilium/protos/plan/signed-study.ts'
import { designColumns, type Feature, type Label, type Study } from '@consilium/protos/plan/study.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { trainingAmount, zeroShareMax } from './breaches.ts'
import type { Origin } from './origin.ts'
import type { Policy } from './policy.ts'
import type { Preview } from './preview.ts'
import type { DataSummary } from './train/trainer.ts'

export type RiskPoint = { readonly about: string; readonly text: string }

export type Risked = {
  readonly manifest: StudyManifest
  readonly origin: Origin
  readonly leaves: Preview
  readonly policy: Pick<Policy, 'approve'>
  /** What this site's rows are for the study; absent: not looked at yet. */
  readonly data?: DataSummary | undefined
}

export type Risk = {
  /** Of which patients, what, how often, and how it leaves. */
  readonly asked: readonly RiskPoint[]
  /** What somebody who made the study for it could learn. */
  readonly learned: readonly RiskPoint[]
}

export function risk(risked: Risked): Risk {
  return { asked: asked(risked), learned: learned(risked) }
}

function asked({ manifest, leaves, policy, data }: Risked): RiskPoint[] {
  const { study } = manifest
  const split = study.split.by === 'hash' ? study.split.key : study.split.column
  return [
    point(
      'reads',
      `${study.features.length} features (${study.features.map(({ name }) => name).join(', ')}), the label ${study.label.name}, and ${split} to tell training rows from test rows`,
    ),
    point(
      'of',
      data ? whoseRows(data) : 'not looked at yet: site-agent check tells how many rows and patients qualify',
    ),
    point('computes', howOften(study, policy, data)),
    point(
      'leaves',
      `at most ${leaves.runBytesMax} bytes in one run, in ${leaves.items.map(({ purpose, times }) => `${times} x ${purpose}`).join(', ')}`,
    ),
    point('under', protection(study)),
    point(
      'stays',
      'the sums, the models and the signed messages of its rounds: at the coordinator and in audit bundles, for as long as their owners keep them. A site that takes its approval back is in no later round; from what was made before nothing is taken back',
    ),
  ]
}

function whoseRows({ trainRows, testRows, droppedRows, patients }: DataSummary): string {
  const whose = patients === undefined ? 'each row counts as a patient' : `${patients} patients`
  return `${trainRows} training rows (${whose}) and ${testRows} test rows; ${droppedRows} rows are left out`
}

function howOften(study: Study, { approve }: Pick<Policy, 'approve'>, data?: DataSummary): string {
  const amount = trainingAmount(study, data?.trainRows)
  const steps = amount ? `${amount.steps} local steps` : 'local steps by the number of rows'
  const drawn = amount?.drawn === undefined ? '' : ` that draw ${amount.drawn} rows`
  const evaluations = Math.ceil(study.rounds / study.evaluation.everyRounds)
  const statistics =
    study.standardisation === 'federated' ? ', means and deviations of columns once, which later studies know' : ''
  return `${study.rounds} rounds of ${steps}${drawn}, ${evaluations} evaluations${statistics}; at most ${approve.runsMax} runs of that unless somebody here accepts more`
}

function protection({ aggregation, cohort }: Study): string {
  if (aggregation.mode === 'sealed') return 'NONE against the coordinator, which can open each update of this site'
  const { survivorsMin, colluders } = studyThresholds({ cohort, aggregation }, cohort.min)
  return `masks: only sums over at least ${survivorsMin} sites become known, as long as at most ${colluders} of the others work with the coordinator; no noise is added (no differential privacy)`
}

function learned({ manifest, origin, data }: Risked): RiskPoint[] {
  const { study, layout } = manifest
  const parameters = parameterCount(layout)
  const points = [
    point('from the size', sizeText(parameters, firstLayerWidth(manifest), data?.trainRows)),
    point('from the model', modelText(origin)),
    point('from the steps', stepsText(study, data)),
    point(
      'from the result',
      'the final model goes to its lead, and to whoever gets it from there: it may tell something about records that it learned from',
    ),
    point(
      'from test rows',
      `scores of the test rows in ${study.evaluation.bins} bins, of each model: two studies with the same test rows, one site away from one of them, tell what that site added`,
    ),
  ]
  if (study.aggregation.mode === 'secure' && study.aggregation.weights === 'exact')
    points.push(
      point(
        'from the weights',
        'the sum of weights is one of exact numbers of rows: two rounds that differ by this site tell how many it has',
      ),
    )
  if ('epochs' in study.localTraining)
    points.push(
      point(
        'from the time',
        'epochs take the longer the more rows there are: when this site is done tells about how many',
      ),
    )
  const dropping = study.features.filter(({ missing }) => missing === 'drop-row').map(({ name }) => name)
  if (dropping.length > 0)
    points.push(
      point(
        'from rows left out',
        `rows without a value of ${dropping.join(', ')} are left out: another study that leaves out others evaluates other test rows, and the two together tell how many rows that makes and how many of them are cases, be it a single one; no limit counts that`,
      ),
    )
  const ranges = [...study.features, study.label].filter(hasRange).map(({ name }) => name)
  if (ranges.length > 0)
    points.push(
      point(
        'from refusals',
        `a value outside the range of ${ranges.join(', ')} stops this site: that it stopped is one bit, told once and without a column`,
      ),
    )
  if (data?.zeroShare !== undefined) points.push(point('from a trial', trialText(data.zeroShare)))
  return points
}

function sizeText(parameters: number, width: number | undefined, rows: number | undefined): string {
  const wide = width === undefined ? '' : `; its first layer is ${width} wide`
  if (rows === undefined)
    return `an update of ${parameters} numbers${wide}; compare it with the number of training rows`
  const each = parameters / Math.max(1, rows)
  const room =
    each >= 1 || (width ?? 0) >= rows
      ? 'there is room in it for single records, and only steps, batches and the sum over the sites blur them'
      : 'too few to hold every record'
  return `an update of ${parameters} numbers for ${rows} training rows, ${each < 10 ? each.toFixed(2) : Math.round(each)} a row${wide}: ${room}`
}

function modelText({ graph, parameters }: Origin): string {
  if (graph === 'own')
    return 'THE GRAPH IS ITS AUTHOR’S OWN: such a graph can be made so that one update holds single records word for word. Accept it only from somebody you would give the records to, or after somebody you trust has read it'
  if (parameters === 'own')
    return 'the graph is the zoo’s, THE INITIAL PARAMETERS ARE ITS AUTHOR’S OWN: they can be chosen so that single records stand out in an update'
  return 'graph and initial parameters are what this site built itself by rule: nothing in them was chosen to make records stand out'
}

function stepsText(study: Study, data?: DataSummary): string {
  const { batchSize } = study.localTraining
  const batch = batchSize === 'full' ? 'all rows' : `${batchSize} rows`
  const amount = trainingAmount(study, data?.trainRows)
  if (amount?.steps === 1)
    return `ONE STEP on ${batch}: the update is the plain sum of what each row says, the easiest to take apart`
  return `${amount ? amount.steps : 'several'} steps on ${batch} each, in an order that nobody outside knows; fewer steps and smaller batches are easier to take apart`
}

function trialText(share: number): string {
  const percent = `${Math.round(100 * share)} % of a trial update of this site’s own rows is exactly zero`
  return share > zeroShareMax
    ? `${percent}: MORE THAN HALF, as where a model opens for single records. Such an update is not sent unless somebody here accepts it`
    : `${percent}: ordinary training moves nearly all of them, and over ${100 * zeroShareMax} % none is sent`
}

/** Outputs of the first matrix that takes the design columns. */
function firstLayerWidth({ study, layout }: StudyManifest): number | undefined {
  const columns = designColumns(study.features).length
  const first = layout.find(({ dims }) => dims.length === 2 && dims.includes(columns))
  return first && (first.dims[0] === columns ? first.dims[1] : first.dims[0])
}

function hasRange(column: Feature | Label): boolean {
  return column.type === 'number' && column.range !== undefined
}

function point(about: string, text: string): RiskPoint {
  return { about, text }
}
