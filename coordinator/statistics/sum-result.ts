/** What the sum of a secure round came to, read from its header and content; by the coordinator, and by whoever audits it. */
import type { Column } from '@consilium/protos/plan/columns.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { readEvaluationCounts } from '@consilium/protos/secagg/evaluation-counts.ts'
import type { HeaderSum } from '@consilium/protos/secagg/header.ts'
import { readCounts } from '@consilium/protos/secagg/histograms.ts'
import { readStatistics } from '@consilium/protos/secagg/statistics.ts'
import { pooledStatistics } from '@consilium/protos/strategy/standardisation.ts'
import type { RoundResult } from '../round/events.ts'
import { pooledEvaluation } from './evaluation.ts'

/** `columns`: what statistics sum. Undefined where no survivor has a row; throws `update-invalid` where the sums contradict themselves. */
export function contentResult(
  purpose: 'statistics' | 'evaluate',
  { survivors, lossSum }: HeaderSum,
  content: Int32Array,
  { label }: Pick<Study, 'label'>,
  columns: readonly Column[] = [],
): RoundResult | undefined {
  if (purpose === 'statistics') return pooledStatistics(readStatistics(content), columns, survivors)
  const counts = readEvaluationCounts(readCounts(content), survivors)
  return pooledEvaluation(counts, lossSum, label.type !== 'number')
}

/** `parameters`: SHA-256 of the next ones, which `strategy/next-model.ts` makes of the content. */
export function trainResult(
  { weight, lossSum, clipped, contributors }: HeaderSum,
  parameters: string,
): Extract<RoundResult, { purpose: 'train' }> {
  return { purpose: 'train', examples: weight, parameters, loss: lossSum / weight, clippedSites: clipped, contributors }
}
