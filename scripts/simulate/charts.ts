/**
 * Inline SVG for the report: a line over the rounds and a grid of who took part. No script, no style attributes (the
 * page's content security policy allows neither); colours come from the page's classes, so both colour schemes work.
 */
import { type Html, html } from './html.ts'

export type Series = {
  readonly id: string
  readonly title: string
  /** One value a round, in order; null where there is none, which breaks the line. */
  readonly values: readonly (number | null)[]
  readonly rounds: readonly number[]
  readonly format: (value: number) => string
  /** The axis spans at least so much, so that noise does not look like news. */
  readonly spanMin: number
  /** Ends of the axis where the quantity has natural ones. */
  readonly bounds?: readonly [number, number]
}

const chart = { width: 310, height: 200, left: 42, right: 12, top: 12, bottom: 34 } as const

/** A line with a dot per round, a readable axis and the last value written out. */
export function lineChart(series: Series): Html {
  const known = series.values.filter((value) => value !== null)
  if (known.length === 0) return html`<p class="nothing">No round reported this figure.</p>`
  const ticks = niceTicks(Math.min(...known), Math.max(...known), series)
  const low = ticks[0]!
  const high = ticks.at(-1)!
  const last = series.rounds.length - 1
  const x = (i: number) => chart.left + (last === 0 ? 0.5 : i / last) * (chart.width - chart.left - chart.right)
  const y = (value: number) => chart.top + ((high - value) / (high - low)) * (chart.height - chart.top - chart.bottom)
  const first = known[0]!
  const final = known.at(-1)!
  const description = `${series.title} by round: ${series.format(first)} after the first, ${series.format(final)} after the last.`
  const dots = series.values.map((value, i) =>
    value === null
      ? html``
      : html`<circle class="dot" cx="${fixed(x(i))}" cy="${fixed(y(value))}" r="${i === last ? 4.5 : 3}"><title>round ${series.rounds[i]!}: ${series.format(value)}</title></circle>`,
  )
  return html`<svg class="chart" viewBox="0 0 ${chart.width} ${chart.height}" role="img" aria-labelledby="${series.id}-title ${series.id}-description">
<title id="${series.id}-title">${series.title}</title><desc id="${series.id}-description">${description}</desc>
${ticks.map((tick) => html`<line class="grid" x1="${chart.left}" x2="${chart.width - chart.right}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}"/><text class="tick" x="${chart.left - 8}" y="${fixed(y(tick) + 4)}" text-anchor="end">${tickLabel(tick, ticks)}</text>`)}
${roundTicks(series.rounds).map((i) => html`<text class="tick" x="${fixed(x(i))}" y="${chart.height - 14}" text-anchor="middle">${series.rounds[i]!}</text>`)}
<text class="axis" x="${fixed((chart.left + chart.width - chart.right) / 2)}" y="${chart.height - 0.5}" text-anchor="middle">round</text>
${linePath(series.values, x, y)}${dots}
</svg>`
}

export type Participation = {
  readonly sites: readonly string[]
  readonly rounds: readonly {
    readonly round: number
    readonly cohort: readonly string[]
    readonly survivors: readonly string[]
    readonly dropouts: readonly { readonly site: string; readonly phase: string; readonly reason: string }[]
  }[]
}

/** Sites down, rounds across: took part, dropped out (with the reason as the cell's title), not in the cohort. */
export function participationGrid({ sites, rounds }: Participation): Html {
  const left = 8 + 7.2 * Math.max(...sites.map((site) => site.length), 4)
  const cell = Math.max(6, Math.min(26, (860 - left) / Math.max(1, rounds.length)))
  const rowHeight = 26
  const width = Math.ceil(left + rounds.length * cell + 8)
  const height = sites.length * rowHeight + 24
  const dropouts = rounds.reduce((sum, round) => sum + round.dropouts.length, 0)
  const row = (site: string, i: number) =>
    html`<text class="label" x="0" y="${i * rowHeight + 17}">${site}</text>${rounds.map((round, j) => {
      const { kind, title } = part(round, site)
      return html`<rect class="cell ${kind}" x="${fixed(left + j * cell + 1)}" y="${i * rowHeight + 3}" width="${fixed(cell - 2)}" height="${rowHeight - 6}" rx="3"><title>${site}, round ${round.round}: ${title}</title></rect>${
        kind === 'dropped'
          ? html`<text class="mark" x="${fixed(left + (j + 0.5) * cell)}" y="${i * rowHeight + 17.5}" text-anchor="middle" aria-hidden="true">×</text>`
          : html``
      }`
    })}`
  return html`<svg class="participation" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="participation-title participation-description">
<title id="participation-title">Who took part in which round</title>
<desc id="participation-description">${sites.length} sites over ${rounds.length} rounds, ${dropouts === 0 ? 'no dropout' : `dropouts listed below: ${dropouts}`}.</desc>
${sites.map(row)}
${roundTicks(rounds.map(({ round }) => round)).map((j) => html`<text class="tick" x="${fixed(left + (j + 0.5) * cell)}" y="${height - 6}" text-anchor="middle">${rounds[j]!.round}</text>`)}
</svg>`
}

function part(
  { cohort, survivors, dropouts }: Participation['rounds'][number],
  site: string,
): { readonly kind: 'survived' | 'dropped' | 'absent'; readonly title: string } {
  const dropout = dropouts.find((candidate) => candidate.site === site)
  if (dropout)
    return { kind: 'dropped', title: `dropped out in ${dropout.phase.replaceAll('-', ' ')}: ${dropout.reason}` }
  if (survivors.includes(site)) return { kind: 'survived', title: 'took part' }
  return cohort.includes(site)
    ? { kind: 'dropped', title: 'dropped out' }
    : { kind: 'absent', title: 'not in the cohort' }
}

function linePath(values: readonly (number | null)[], x: (i: number) => number, y: (value: number) => number): Html {
  let pen = 'M'
  const steps = values.flatMap((value, i) => {
    if (value === null) {
      pen = 'M'
      return []
    }
    const step = `${pen}${fixed(x(i))} ${fixed(y(value))}`
    pen = 'L'
    return [step]
  })
  return html`<path class="line" d="${steps.join('')}"/>`
}

/** Four to six round numbers that span the values, within the bounds. */
function niceTicks(lowest: number, highest: number, { spanMin, bounds }: Series): number[] {
  const widening = Math.max(0, spanMin - (highest - lowest)) / 2
  const low = lowest - widening
  const high = highest + widening
  const span = high - low
  const magnitude = 10 ** Math.floor(Math.log10(span / 4))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((candidate) => span / candidate <= 4.5)!
  let from = Math.floor(low / step - 1e-9)
  let to = Math.ceil(high / step + 1e-9)
  if (bounds) {
    from = Math.max(from, Math.floor(bounds[0] / step + 1e-9))
    to = Math.min(to, Math.ceil(bounds[1] / step - 1e-9))
  }
  if (to <= from) to = from + 1
  return Array.from({ length: to - from + 1 }, (_, i) => (from + i) * step)
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 2 })

/** Short enough for the margin: 25K where the axis goes beyond 10,000. */
function tickLabel(tick: number, ticks: readonly number[]): string {
  const step = ticks[1]! - ticks[0]!
  if (ticks.at(-1)! >= 10_000) return compact.format(tick)
  const decimals = [0, 1, 2, 3, 4, 5].find((digits) => Math.abs(step - Number(step.toFixed(digits))) < step * 1e-6) ?? 6
  return tick.toFixed(decimals)
}

/** Indices of at most about eight rounds to write out: the first, the last and even steps between. */
function roundTicks(rounds: readonly number[]): number[] {
  if (rounds.length === 0) return []
  const last = rounds.length - 1
  const step = Math.max(1, Math.ceil(last / 7))
  const indices = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step)
  if (indices.at(-1) === last) return indices
  if (last - indices.at(-1)! < step / 2) indices.pop()
  return [...indices, last]
}

function fixed(value: number): string {
  return String(Math.round(value * 100) / 100)
}
