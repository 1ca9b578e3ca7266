/**
 * The study as a research lead writes it in `study.yaml`: model, features, label, training, rounds. Both ends read it
 * with this schema; what is signed and approved is its canonical form (see `signed-study.ts`).
 */
import { z } from 'zod'
import {
  defaultCohortMin,
  type StudyCohort,
  cohortMin as secureCohortMin,
  signersMin,
  studyThresholds,
} from '../secagg/thresholds.ts'
import { weightModes } from '../secagg/weights.ts'
import { runIdSchema, siteNameSchema } from './names.ts'

const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    'lower-case letters, digits and hyphens, starting with a letter or digit, at most 63',
  )

/** A column of the site's view: SQL identifier without quoting, so it reads the same everywhere. */
const columnName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, 'letters, digits and underscores, starting with a letter, at most 63')

const finite = z.number().finite()
const count = (max: number) => z.int().min(1).max(max)

/** What to do with a row that misses this feature: leave it out, put the (global) mean, or a fixed value. */
const missingNumber = z.union([z.enum(['drop-row', 'mean']), z.strictObject({ value: finite })])
const missingLevel = z.union([z.literal('drop-row'), z.strictObject({ level: z.union([finite, z.string().max(200)]) })])

const numberFeature = z.strictObject({
  name: columnName,
  type: z.literal('number'),
  unit: z.string().max(40).optional(),
  /** Inclusive plausible range; a value outside is an error of the data, named by column and row. */
  range: z.tuple([finite, finite]).optional(),
  missing: missingNumber.default('drop-row'),
})

const booleanFeature = z.strictObject({
  name: columnName,
  type: z.literal('boolean'),
  missing: z.union([z.literal('drop-row'), z.strictObject({ value: z.boolean() })]).default('drop-row'),
})

/** All numbers or all strings. */
const levels = z.union([z.array(finite).min(2).max(1000), z.array(z.string().min(1).max(200)).min(2).max(1000)])

const categoryFeature = z.strictObject({
  name: columnName,
  type: z.literal('category'),
  /** In the order of their one-hot columns. */
  levels,
  encoding: z.enum(['one-hot', 'one-hot-drop-first']).default('one-hot-drop-first'),
  missing: missingLevel.default('drop-row'),
})

export const featureSchema = z.discriminatedUnion('type', [numberFeature, booleanFeature, categoryFeature])

const labelSchema = z.discriminatedUnion('type', [
  z.strictObject({ name: columnName, type: z.literal('binary') }),
  z.strictObject({ name: columnName, type: z.literal('category'), levels }),
  /** The range bounds what one row counts in an evaluation's loss. */
  z.strictObject({ name: columnName, type: z.literal('number'), range: z.tuple([finite, finite]) }),
])

const modelSchema = z.discriminatedUnion('from', [
  z.discriminatedUnion('name', [
    z.strictObject({ from: z.literal('zoo'), name: z.literal('logistic-regression') }),
    z.strictObject({
      from: z.literal('zoo'),
      name: z.literal('multi-layer-perceptron'),
      hidden: z.array(count(65_536)).min(1).max(16),
      activation: z.enum(['relu', 'tanh', 'sigmoid']).default('relu'),
    }),
  ]),
  z.strictObject({
    from: z.literal('onnx'),
    /** Path of the forward graph, relative to the study file. */
    path: z.string().min(1).max(4096),
    /** Names of initializers that training leaves as they are. */
    frozen: z.array(z.string().min(1).max(512)).max(10_000).default([]),
  }),
])

const optimizerSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('sgd'), learningRate: z.number().positive().max(1000) }),
  z.strictObject({
    name: z.literal('momentum'),
    learningRate: z.number().positive().max(1000),
    momentum: z.number().min(0).max(0.9999).default(0.9),
  }),
  z.strictObject({
    name: z.literal('adam'),
    learningRate: z.number().positive().max(1000),
    beta1: z.number().min(0).max(0.9999).default(0.9),
    beta2: z.number().min(0).max(0.999999).default(0.999),
    epsilon: z.number().positive().max(1).default(1e-8),
  }),
])

const lossSchema = z.enum(['binary-cross-entropy', 'cross-entropy', 'mean-squared-error'])

const localTrainingSchema = z.union([
  z.strictObject({ steps: count(10_000_000), batchSize: z.union([count(1_000_000), z.literal('full')]) }),
  z.strictObject({ epochs: count(100_000), batchSize: z.union([count(1_000_000), z.literal('full')]) }),
])

/** Coarse, so that no two studies differ by a few rows; 0 where nothing is tested. */
const testFraction = z
  .number()
  .refine(
    (fraction) => fraction === 0 || (fraction >= 0.05 && fraction <= 0.5 && Number(fraction.toFixed(2)) === fraction),
    '0, or 0.05 to 0.5 with two decimals',
  )

const splitSchema = z.discriminatedUnion('by', [
  /**
   * A row is a test row where a hash of `key`, keyed by the site, falls below `testFraction`: a patient of a site is always
   * on one side, and which one nobody outside can tell.
   */
  z.strictObject({ by: z.literal('hash'), key: columnName, testFraction: testFraction.default(0.2) }),
  /** The column holds `train` or `test`; rows with anything else are left out. */
  z.strictObject({ by: z.literal('column'), column: columnName }),
])

/** How long the last evaluation of a run waits where its study does not say: a hospital that is closed for some days is back. */
export const makeUpMsDefault = 7 * 86_400_000

function deadlinesSchema(makeUpMs: number) {
  return z.strictObject({
    /** How long a round waits for the sites it expects before it starts with those that attend. */
    recruitMs: count(86_400_000).default(30_000),
    /**
     * How long the work of a site (download, train, evaluate, summarise) may go without progress, from the start of the phase
     * or from what the site last told of it. It works on while its line is down, so that is no absence: a site that is cut off
     * has this long to be back, and tells then what it did meanwhile. In all a site may work for 24 hours (`workWholeMs`).
     */
    workMs: count(86_400_000).default(1_800_000),
    /** How long an upload may stand still. */
    uploadMs: count(86_400_000).default(300_000),
    /** How long each short phase of a secure round (keys, shares, confirmations) waits for a site. */
    keysMs: count(86_400_000).default(60_000),
    /**
     * How long a site may be away (its stream broken) while nobody works: as keys, updates and signatures are collected. One
     * that was away already when the work of all was done has `workMs` from when it left.
     */
    absentMs: count(86_400_000).default(30_000),
    /** Under masks: how long the evaluation of the last model waits for all of its sites before it is left out. */
    makeUpMs: count(30 * 86_400_000).default(makeUpMs),
  })
}

/** 255 sites of this weight still add up below 2^32. */
const weightMaxMax = 2 ** 24

/** How the sites' updates are added: under masks, so that the coordinator learns the sum alone, or each sealed to it. */
const aggregationSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('secure'),
    /**
     * A site's weight: its training rows as a power of two (`bucket`), as they are (`exact`), or the same for all. Two
     * rounds whose survivors differ by one site reveal that site's weight.
     */
    weights: z.enum(weightModes).default('bucket'),
    /** A larger weight counts as this; the closer to the largest site, the finer the fixed-point numbers. */
    weightMax: count(weightMaxMax).default(65_536),
    /** Sites that may collude with the coordinator: more than a third of `cohort.planned`, rounded up, less one. */
    colluders: z.int().min(0).max(200).optional(),
    /** Fewest sites in a sum: more than follow from `cohort` (`secagg/thresholds.ts`), and never fewer than 3. */
    survivorsMin: z.int().min(3).max(255).optional(),
  }),
  z.strictObject({ mode: z.literal('sealed') }),
])

/** `planned` is what a file says that says nothing of it: the sites enrolled when the study is created. */
function cohortSchema(planned: number | undefined) {
  return z
    .strictObject({
      /**
       * How many sites the study is meant for; `study create` writes it out. How many may collude with the coordinator and
       * how many a sum has at least follow from it and from `min`, never from the cohort of a round. Absent only in studies
       * signed before there was such a number.
       */
      planned: planned === undefined ? count(255).optional() : count(255).default(planned),
      /** Fewest sites that start a round; by default all planned but one, of more than seven three in four. */
      min: count(255).optional(),
      /** Fewest sites whose updates make a round count. */
      quorum: count(255).default(3),
      /**
       * Sites without which no round counts: by name, or every site that approved the study and has not left it. A round
       * waits for them as it recruits, without a deadline, and fails when one of them drops out of it.
       */
      require: z.union([z.literal('all'), z.array(siteNameSchema).min(1).max(255)]).optional(),
    })
    .transform(({ planned, min, ...rest }) => ({
      ...rest,
      ...(planned !== undefined && { planned }),
      min: min ?? (planned === undefined ? secureCohortMin : defaultCohortMin(planned)),
    }))
}

/** What a study has whose file does not say: `planned` sites (absent: it says nothing of them), `makeUpMs`. */
export type StudyDefaults = { readonly planned?: number | undefined; readonly makeUpMs?: number | undefined }

export function studySchemaFor({ planned, makeUpMs = makeUpMsDefault }: StudyDefaults) {
  return z
    .strictObject({
      name,
      title: z.string().min(1).max(200),
      description: z.string().max(4000).default(''),
      model: modelSchema,
      features: z.array(featureSchema).min(1).max(4096),
      label: labelSchema,
      loss: lossSchema,
      optimizer: optimizerSchema,
      localTraining: localTrainingSchema,
      initialParameters: z
        .union([
          z.strictObject({
            seed: z
              .int()
              .min(0)
              .max(2 ** 32 - 1),
          }),
          z.literal('from-model'),
          /** The last model of an earlier run, as `study create --from-run` fills it in: sites that accepted it know its hash. */
          z.strictObject({ run: runIdSchema }),
        ])
        .default({ seed: 0 }),
      /** Studies that differ in it alone draw other orders of rows; each site draws them from a secret of its own. */
      seed: z
        .int()
        .min(0)
        .max(2 ** 32 - 1)
        .default(0),
      /** Largest L2 norm of an update; a longer one is scaled down to it and counted as clipped. */
      updateNormMax: z.number().positive().max(1e6).default(100),
      standardisation: z.enum(['federated', 'per-site', 'none']).default('federated'),
      rounds: count(100_000),
      cohort: cohortSchema(planned).prefault({}),
      aggregation: aggregationSchema.prefault({ mode: 'secure' }),
      deadlines: deadlinesSchema(makeUpMs).prefault({}),
      split: splitSchema.default({ by: 'hash', key: 'patient_id', testFraction: 0.2 }),
      evaluation: z
        .strictObject({
          /** Bins of the score histogram each site reports; pooled AUROC is exact up to ties within a bin. */
          bins: z.int().min(2).max(4096).default(64),
          /** Evaluate after every so many rounds, and always after the last. */
          everyRounds: count(100_000).default(1),
        })
        .prefault({}),
    })
    .superRefine(checkAcrossFields)
}

export const studySchema = studySchemaFor({})

/** A study as its author may write it: defaults left out. */
export type StudyInput = z.input<typeof studySchema>
/** A study with every default filled in. */
export type Study = z.output<typeof studySchema>
export type Feature = z.output<typeof featureSchema>
export type Label = z.output<typeof labelSchema>
export type Optimizer = z.output<typeof optimizerSchema>
export type Loss = z.output<typeof lossSchema>

type StudyFields = {
  readonly features: readonly Feature[]
  readonly label: z.output<typeof labelSchema>
  readonly loss: Loss
  readonly model: { readonly from: 'zoo' | 'onnx' }
  readonly cohort: {
    readonly planned?: number | undefined
    readonly min: number
    readonly quorum: number
    readonly require?: 'all' | readonly string[] | undefined
  }
  readonly aggregation: StudyCohort['aggregation'] & { readonly mode: 'secure' | 'sealed' }
  readonly initialParameters: unknown
  readonly standardisation: 'federated' | 'per-site' | 'none'
}

function checkAcrossFields(study: StudyFields, context: z.RefinementCtx): void {
  const issue: Issue = (path, message) => context.addIssue({ code: 'custom', path, message })
  // A view's columns have their names without regard to case.
  const seen = new Set<string>([study.label.name.toLowerCase()])
  study.features.forEach((feature, i) => {
    const path = ['features', i]
    if (seen.has(feature.name.toLowerCase())) issue([...path, 'name'], `the column ${feature.name} is named twice`)
    seen.add(feature.name.toLowerCase())
    checkColumn(feature, path, issue)
    if (feature.type === 'number' && feature.missing === 'mean' && study.standardisation === 'none')
      issue([...path, 'missing'], 'there is no mean to fill in where standardisation is none: give a value or drop-row')
    if (feature.type === 'category' && typeof feature.missing === 'object')
      if (!(feature.levels as readonly (number | string)[]).includes(feature.missing.level))
        issue([...path, 'missing', 'level'], 'not one of the levels')
  })
  checkColumn(study.label, ['label'], issue)
  const lossOfLabel = {
    binary: 'binary-cross-entropy',
    category: 'cross-entropy',
    number: 'mean-squared-error',
  } as const
  if (study.loss !== lossOfLabel[study.label.type])
    issue(['loss'], `a ${study.label.type} label goes with ${lossOfLabel[study.label.type]}`)
  if (study.cohort.quorum > study.cohort.min) issue(['cohort', 'quorum'], 'the quorum cannot exceed cohort.min')
  if (Array.isArray(study.cohort.require) && new Set(study.cohort.require).size < study.cohort.require.length)
    issue(['cohort', 'require'], 'a site is listed twice')
  checkCohort(study, issue)
  if (study.model.from === 'zoo' && study.initialParameters === 'from-model')
    issue(
      ['initialParameters'],
      'a zoo model has no parameters of its own: give { seed: <number> }, or a run (study create --from-run)',
    )
}

/** What a study is planned for has to be possible with the sites it starts a round with. */
function checkCohort({ cohort, aggregation }: StudyFields, issue: Issue): void {
  const { planned, min } = cohort
  if (planned !== undefined && min > planned) issue(['cohort', 'min'], `the study is planned for ${planned} sites`)
  if (aggregation.mode !== 'secure') return
  if (min < secureCohortMin) issue(['cohort', 'min'], `a secure sum hides a site among at least ${secureCohortMin}`)
  if (planned === undefined) return
  if (planned < secureCohortMin) {
    issue(['cohort', 'planned'], `a secure sum hides a site among at least ${secureCohortMin}: it is ${planned}`)
    return
  }
  const { survivorsMin, colluders } = studyThresholds({ cohort, aggregation }, min)
  const least = Math.max(survivorsMin, signersMin(min, colluders))
  if (min < least)
    issue(['cohort', 'min'], `planned for ${planned} sites, of which ${colluders} may collude, a sum needs ${least}`)
}

type Issue = (path: (string | number)[], message: string) => void

/** What holds for a feature and for the label alike. */
function checkColumn(column: Feature | z.output<typeof labelSchema>, path: (string | number)[], issue: Issue): void {
  if (column.type === 'number' && column.range && column.range[0] >= column.range[1])
    issue([...path, 'range'], 'the lower end must be below the upper end')
  if (column.type === 'category' && new Set<number | string>(column.levels).size !== column.levels.length)
    issue([...path, 'levels'], 'a level is listed twice')
}

/**
 * The most that one row counts in the loss of an evaluation: a larger one, or one that is not finite, counts as this, so
 * that no model makes a site refuse, or a single row outweigh the sum (fedsum, section E.1).
 */
export function rowLossMax(label: Label): number {
  if (label.type !== 'number') return 64
  const [low, high] = label.range
  return Math.min((high - low) ** 2, 2 ** 53)
}

/** Whether the global parameters are evaluated after this round (1-based). */
export function isEvaluatedAfter(round: number, { rounds, evaluation }: Pick<Study, 'rounds' | 'evaluation'>): boolean {
  return round === rounds || round % evaluation.everyRounds === 0
}

/** Columns of the design matrix that the features expand to, in order: `age`, `cp_2`, `cp_3`, ... */
export function designColumns(features: readonly Feature[]): string[] {
  return features.flatMap((feature) => {
    if (feature.type !== 'category') return [feature.name]
    const levels = feature.encoding === 'one-hot-drop-first' ? feature.levels.slice(1) : feature.levels
    return levels.map((level) => `${feature.name}_${level}`)
  })
}
