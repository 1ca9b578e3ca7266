/**
 * A site's rows for one study: mapped files to tables, the lock, the view, the study's rules, the split. What comes out
 * is ready for training; what is wrong is said by column and row, never by value.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import { isMissing, readFeature, readLabel } from './check-values.ts'
import { openDatabase } from './database.ts'
import { loadFile } from './load-file.ts'
import type { SiteConfig } from './site-config.ts'
import { type Side, splitColumn, splitter } from './split.ts'
import { checkView } from './view-check.ts'
import { fetchView, type ViewRows } from './view-rows.ts'

export type RawColumn = {
  readonly name: string
  /** float32 (a boolean as 0 and 1), or texts for a category of texts; NaN, or empty, where one is missing; [rows]. */
  readonly values: Float32Array | readonly string[]
}

export type StudyData = {
  /** One per feature, in the study's order. */
  readonly columns: readonly RawColumn[]
  /** float32 [rows] for a binary or number label, int64 class indices [rows] for a category. */
  readonly labels: Float32Array | BigInt64Array
  /** Row indices, ascending. */
  readonly trainRows: Int32Array
  readonly testRows: Int32Array
  /** Patients among the training rows; absent where no column tells them apart. */
  readonly patients?: number
  readonly droppedRows: number
  /** What a human should know; column names and counts, never values. */
  readonly remarks: readonly string[]
}

/** `splitKey` is the site's (`study-keys.ts`). Throws `invalid-site-config`, `limit-exceeded` or one of the `data-` codes. */
export async function loadStudyData(config: SiteConfig, study: Study, splitKey: Uint8Array): Promise<StudyData> {
  const database = await openDatabase(config.dataMemoryMebibytes)
  try {
    const tables = Object.entries(config.files)
    await checkView(
      database,
      config.view,
      tables.map(([table]) => table),
    )
    for (const [table, file] of tables) await loadFile(database, table, file)
    await database.lock()
    return applyStudy(await fetchView(database, config, study), study, splitKey)
  } finally {
    database.close()
  }
}

/** Keeps the rows the study can use, in their order, and checks every value of theirs. */
function applyStudy(rows: ViewRows, study: Study, splitKey: Uint8Array): StudyData {
  const { sides, reasons } = chooseRows(rows, study, splitKey)
  const kept = Int32Array.from(sides.keys())
  const indicesOf = (side: Side) =>
    Int32Array.from([...sides.values()].flatMap((each, i) => (each === side ? [i] : [])))
  const trainRows = indicesOf('train')
  if (trainRows.length === 0)
    throw new FederationError('data-empty', `no row is left to train on: ${describeDropped(rows, reasons)}`)
  const columns = study.features.map((feature, i) => ({
    name: feature.name,
    values: readFeature(feature, rows.features[i]!, kept, rows.nameOf),
  }))
  const labels = readLabel(study.label, rows.label, kept, rows.nameOf)
  const testRows = indicesOf('test')
  return {
    columns,
    labels: study.label.type === 'category' ? BigInt64Array.from(labels, BigInt) : Float32Array.from(labels),
    trainRows,
    testRows,
    ...(rows.patients && { patients: new Set(Array.from(trainRows, (row) => rows.patients![kept[row]!])).size }),
    droppedRows: rows.count - kept.length,
    remarks: [
      ...remarksOn(columns, labels, trainRows, study),
      ...(testRows.length === 0 ? ['no row is left to test on: this site reports no results'] : []),
      ...(reasons.size > 0 ? [describeDropped(rows, reasons)] : []),
    ],
  }
}

/** Rows that train or test, by index, and how many were dropped for which reason. */
function chooseRows(
  rows: ViewRows,
  study: Study,
  splitKey: Uint8Array,
): { sides: Map<number, Side>; reasons: Map<string, number> } {
  const sideOf = splitter(study, splitKey)
  const sides = new Map<number, Side>()
  const required = study.features.flatMap((feature, i) =>
    feature.missing === 'drop-row' ? [{ name: feature.name, cells: rows.features[i]! }] : [],
  )
  required.push({ name: study.label.name, cells: rows.label })
  const reasons = new Map(required.map(({ name }) => [`without ${name}`, 0]))
  const unplaced = `not placed by ${splitColumn(study)}`
  for (let row = 0; row < rows.count; row++) {
    const missing = required.find(({ cells }) => isMissing(cells, row))
    const side = sideOf(rows.split[row] ?? null)
    const reason = missing ? `without ${missing.name}` : side ? undefined : unplaced
    if (reason === undefined) sides.set(row, side!)
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  for (const [reason, count] of reasons) if (count === 0) reasons.delete(reason)
  return { sides, reasons }
}

function describeDropped(rows: ViewRows, reasons: ReadonlyMap<string, number>): string {
  if (rows.count === 0) return 'the view yields no row'
  const counts = [...reasons].map(([reason, count]) => `${count} ${reason}`)
  return `of ${rows.count} rows of the view left out: ${counts.join(', ') || 'none'}`
}

function remarksOn(
  columns: readonly RawColumn[],
  labels: Float64Array,
  trainRows: Int32Array,
  study: Study,
): readonly string[] {
  const isConstant = (values: ArrayLike<number | string>) =>
    trainRows.every((row) => Object.is(values[row], values[trainRows[0]!]))
  const constant = columns.filter(({ values }) => isConstant(values))
  return [
    ...constant.map(({ name }) => `the feature ${name} is the same in all ${trainRows.length} training rows`),
    ...(isConstant(labels)
      ? [`the label ${study.label.name} is the same in all ${trainRows.length} training rows`]
      : []),
  ]
}
