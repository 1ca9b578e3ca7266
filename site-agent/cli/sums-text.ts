/** Which sums this site was in, with whom, and what is left of each limit, as `status` and `study show` tell it. */
import type { ColumnHere, LimitHere, SumsHere } from '../sums-here.ts'
import { table } from './output.ts'

/** `isWhole`: also studies that this site was in no sum of, and limits of which nothing is used. */
export function describeSums(studies: readonly SumsHere[], { isWhole }: { readonly isWhole: boolean }): string {
  const columns = isWhole ? columnsTable(studies) : ''
  return [sumsTable(studies, isWhole), partnersTable(studies), columns, limitsTable(studies, isWhole)].join('')
}

function sumsTable(studies: readonly SumsHere[], isWhole: boolean): string {
  const rows = studies.flatMap(({ sums }) =>
    sums.map(({ run, purpose, count, firstRound, lastRound, sites }) => [
      run,
      purpose,
      String(count),
      firstRound === lastRound ? `round ${firstRound}` : `rounds ${firstRound} to ${lastRound}`,
      sites.join(', '),
    ]),
  )
  if (rows.length === 0) return isWhole ? '\nSums this site was in: none yet\n' : ''
  return `\nSums this site was in\n${table(['run', 'for', 'sums', 'of', 'among'], rows)}`
}

function partnersTable(studies: readonly SumsHere[]): string {
  const rows = studies.flatMap(({ name, partners }) =>
    partners.map(({ purpose, sites, past }) => [name, `${purpose}${past ? ', before' : ''}`, sites.join(', ')]),
  )
  return rows.length === 0
    ? ''
    : `\nPartners: sums of these are among these sites alone\n${table(['study', 'for', 'sites'], rows)}`
}

function columnsTable(studies: readonly SumsHere[]): string {
  const rows = studies.flatMap(({ columns }) => columns.map((each) => [each.column, columnText(each)]))
  if (rows.length === 0) return ''
  const title = 'Columns: each is summed once, in all studies; mean and deviation are known to later ones'
  return `\n${title}\n${table(['column', 'its sum'], rows)}`
}

function columnText({ state, run, sites, vouchers }: ColumnHere): string {
  const among = sites ? ` among ${sites.join(', ')}` : ''
  if (state === 'new') return 'none yet: a run of this study sums it'
  if (state === 'masked') return `asked for${among}; it has not come out, and this site helps to no other`
  return vouchers === undefined
    ? `run ${run}${among}`
    : `run ${run}, without this site: mean and deviation on the word of ${vouchers} sites`
}

function limitsTable(studies: readonly SumsHere[], isWhole: boolean): string {
  const limits = unique(studies.flatMap((study) => study.limits)).filter(({ used }) => isWhole || used > 0)
  if (limits.length === 0) return ''
  const rows = limits.map(({ limit, of, used, max, left, waived }) => [
    limit,
    of,
    `${used} of ${max}`,
    waived ? 'not held here' : left === 0 ? 'NONE LEFT' : `${left} left`,
  ])
  return `\nLimits of policy.yaml, and what is used of them\n${table(['limit', 'of', 'used', 'left'], rows)}`
}

/** Several studies share a lead, or a label. */
function unique(limits: readonly LimitHere[]): LimitHere[] {
  const most = new Map<string, LimitHere>()
  for (const each of limits) {
    const key = `${each.limit} ${each.of}`
    if ((most.get(key)?.used ?? -1) < each.used) most.set(key, each)
  }
  return [...most.values()]
}
