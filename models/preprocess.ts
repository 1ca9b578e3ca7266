/**
 * From a study's raw features to what the forward graph takes, as graphs that the sites run and the exported model
 * holds, so both compute alike. Two parts: `design` expands levels to columns and fills what the study fills with a
 * fixed value; `standardise` then scales the columns by the federation's means and deviations.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Feature } from '@consilium/protos/plan/study.ts'
import { type GraphBuilder, graphBuilder, type Ref } from './onnx/builder.ts'
import { checkGraph } from './onnx/check.ts'
import { type Model, modelOf } from './onnx/graph.ts'

export type Standardisation = {
  /** Per column of the design matrix. */
  readonly means: readonly number[]
  /** Per column; a constant column's 0 divides by 1. */
  readonly standardDeviations: readonly number[]
}

/**
 * Inputs: one per feature under its name, float32 [N,1] with NaN where missing, or string [N,1] for levels that are
 * text, empty where missing. Output: `design` float32 [N,F], the columns of `designColumns`; a missing value that the
 * study does not fill by a value or level is NaN in every column of its feature, and so is a level the study does not list.
 */
export function designGraph(features: readonly Feature[]): Model {
  const g = graphBuilder()
  g.output('design', design(g, features))
  return modelOf(checkGraph(g.finish('design')))
}

/** Input: `design` float32 [N,F]. Output: `standardised` float32 [N,F]; see {@link standardise}. */
export function standardisationGraph(features: readonly Feature[], standardisation: Standardisation): Model {
  const g = graphBuilder()
  const input = g.input('design', 'float32', ['rows', features.reduce((sum, feature) => sum + columnCount(feature), 0)])
  g.output('standardised', standardise(g, features, standardisation, input))
  return modelOf(checkGraph(g.finish('standardisation')))
}

/** Adds one graph input per feature; yields the design matrix. */
export function design(g: GraphBuilder, features: readonly Feature[]): Ref {
  const columns = features.map((feature) => {
    const text = feature.type === 'category' && typeof feature.levels[0] === 'string'
    const raw = g.input(feature.name, text ? 'string' : 'float32', ['rows', 1])
    return g.within(`design/${feature.name}`, () => {
      if (feature.type === 'category') return levelColumns(g, feature, raw)
      const { missing } = feature
      return typeof missing === 'object' ? filled(g, raw, Number(missing.value)) : raw
    })
  })
  return g.within('design', () => g.concat(columns, 1))
}

/**
 * (x - mean) / deviation. In columns of features with `missing: mean` a NaN becomes 0, which is the mean; in others it
 * stays, so a row that should have been left out can never pass as one that was whole.
 */
export function standardise(
  g: GraphBuilder,
  features: readonly Feature[],
  { means, standardDeviations }: Standardisation,
  x: Ref,
): Ref {
  const columns = features.reduce((sum, feature) => sum + columnCount(feature), 0)
  if (means.length !== columns || standardDeviations.length !== columns)
    throw new FederationError(
      'shape-mismatch',
      `${means.length} means and ${standardDeviations.length} deviations for ${columns} columns`,
    )
  if (
    ![...means, ...standardDeviations].every(Number.isFinite) ||
    standardDeviations.some((deviation) => deviation < 0)
  )
    throw new FederationError('invalid-argument', 'means and deviations must be finite, deviations 0 or above')
  const row = (values: readonly number[]) => g.constant('float32', values, [1, columns])
  return g.within('standardise', () => scaled(g, features, x, row(means), row(standardDeviations)))
}

/**
 * The same with means and deviations as graph inputs float32 [1,F], `standardisation_means` and
 * `standardisation_deviations`: for a model whose every site has its own.
 */
export function standardiseByInputs(g: GraphBuilder, features: readonly Feature[], x: Ref): Ref {
  const columns = features.reduce((sum, feature) => sum + columnCount(feature), 0)
  const means = g.input('standardisation_means', 'float32', [1, columns])
  const deviations = g.input('standardisation_deviations', 'float32', [1, columns])
  return g.within('standardise', () => scaled(g, features, x, means, deviations))
}

function scaled(g: GraphBuilder, features: readonly Feature[], x: Ref, means: Ref, deviations: Ref): Ref {
  const fills = features.flatMap((feature) =>
    Array.from({ length: columnCount(feature) }, () => feature.missing === 'mean'),
  )
  const [zero, one] = [g.constant('float32', 0), g.constant('float32', 1)]
  const result = g.div(g.sub(x, means), g.where(g.equal(deviations, zero), one, deviations))
  if (!fills.includes(true)) return result
  const fillable = g.constant('bool', fills.map(Number), [1, fills.length])
  return g.where(g.op('And', [g.op('IsNaN', [result]), fillable]), zero, result)
}

/** How many columns `designColumns` names for a feature. */
function columnCount(feature: Feature): number {
  if (feature.type !== 'category') return 1
  return feature.levels.length - (feature.encoding === 'one-hot-drop-first' ? 1 : 0)
}

function filled(g: GraphBuilder, raw: Ref, value: number): Ref {
  return g.where(g.op('IsNaN', [raw]), g.constant('float32', value), raw)
}

/** One column per level (less the first, if so encoded): 1 where the row has that level, NaN where it has none of them. */
function levelColumns(g: GraphBuilder, feature: Extract<Feature, { type: 'category' }>, raw: Ref): Ref {
  const { levels, missing, encoding } = feature
  const fill = typeof missing === 'object' ? missing.level : undefined
  const text = typeof levels[0] === 'string'
  const constant = (values: readonly (string | number)[]) =>
    text
      ? g.initializer({ name: 'levels', type: 'string', dims: [1, values.length], data: values.map(String) })
      : g.constant('float32', values.map(Number), [1, values.length])
  const absent = () => (text ? g.equal(raw, constant([''])) : g.op('IsNaN', [raw]))
  const value = fill === undefined ? raw : g.where(absent(), constant([fill]), raw)
  const hits = g.cast(g.equal(value, constant(levels)), 'float32')
  const known = g.greater(g.reduceSum(hits, [1], true), g.constant('float32', 0))
  const columns = encoding === 'one-hot-drop-first' ? g.slice(hits, 1, levels.length, 1) : hits
  return g.where(known, columns, g.constant('float32', Number.NaN))
}
