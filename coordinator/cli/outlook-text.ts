/** How `run plan` reads: whether a run would start, who is there, which sums would come of it, and which limits are used up. */
import { fields, formatTime, printable, shortHash } from '@consilium/protos/plain-text.ts'
import { columnsTakenText } from '../run/taken-text.ts'
import type { RunOutlook } from '../services.ts'
import { table } from './output.ts'

export function outlookText(outlook: RunOutlook): string {
  return [head(outlook), refusalsText(outlook), sitesText(outlook), sumsText(outlook), limitsText(outlook)].join('')
}

function head(outlook: RunOutlook): string {
  const { studyName, studyHash, aggregation, refusals, thresholds, columnsTaken } = outlook
  return fields([
    ['study', `${studyName} (${shortHash(studyHash)})`],
    ['run start', refusals.length === 0 ? 'would start a run; nothing was started' : 'would be refused'],
    ['aggregation', aggregation],
    ['thresholds', thresholds && thresholdsText(thresholds)],
    ['means', columnsTakenText(columnsTaken) || undefined],
  ])
}

function thresholdsText(thresholds: NonNullable<RunOutlook['thresholds']>): string {
  const { planned, sites, colluders, survivorsMin, threshold, fewest } = thresholds
  const numbers = `c = ${colluders}, m = ${survivorsMin}${threshold > 0 ? `, t = ${threshold}` : ''}`
  const here = threshold > 0 ? `of the ${sites} sites that are here` : `${sites} of at least ${fewest} sites are here`
  return `${planned > 0 ? `planned for ${planned} sites: ` : ''}sums over at least ${survivorsMin} ${here}, up to ${colluders} of which may work with the coordinator (${numbers})`
}

function refusalsText({ refusals }: RunOutlook): string {
  if (refusals.length === 0) return ''
  const lines = refusals.map(({ code, reason, waysOut }) => `  ${code}: ${printable(reason)}\n${ways(waysOut)}`)
  return `\nRefused at the start\n${lines.join('')}`
}

const decisions = { approve: 'approved', reject: 'rejected', refused: 'cannot take part', none: 'no decision' }

function sitesText({ sites, sums }: RunOutlook): string {
  if (sites.length === 0) return '\nNo sites yet: consilium site add <name>\n'
  const partnerOf = (site: string, purpose: string) => {
    const sum = sums.find((each) => each.purpose === purpose)
    if (!sum?.sites.includes(site)) return '-'
    return sum.settled ? 'partner' : 'would be'
  }
  const rows = sites.map(({ site, decision, attending, awaySince }) => [
    site,
    decisions[decision],
    attending ? 'connected' : `not connected${awaySince ? ` since ${formatTime(awaySince)}` : ''}`,
    partnerOf(site, 'statistics'),
    partnerOf(site, 'evaluate'),
  ])
  return `\n${table(['site', 'study', 'agent', 'statistics', 'evaluations'], rows)}`
}

const words = {
  made: 'would be made',
  taken: 'taken from other runs',
  waits: 'WAITS',
  withheld: 'WITHHELD',
  fails: 'FAILS',
  refused: 'REFUSED by the sites',
}

function sumsText({ sums }: RunOutlook): string {
  const lines = sums.map(({ purpose, outlook, sites, missing, reason, waysOut }) => {
    const among = sites.length > 0 ? ` among ${sites.join(', ')}` : ''
    return [
      `  ${purpose}: ${words[outlook]}${among}${reason ? `; ${printable(reason)}` : ''}\n`,
      ...missing.map(({ site, why }) => `    ${site}: ${printable(why)}\n`),
      ways(waysOut),
    ].join('')
  })
  return `\nThe sums it would ask for, as the sites stand now\n${lines.join('')}`
}

function limitsText({ limits }: RunOutlook): string {
  if (limits.length === 0) return ''
  const lines = limits.map(({ limit, used, max, sites, text }): [string, string] => [
    `  ${limit}`,
    `${used} of ${max}${sites.length > 0 ? `, USED UP at ${sites.join(', ')}` : ''}: ${text}`,
  ])
  return `\nLimits of the sites, where their policies have the defaults\n${fields(lines)}`
}

function ways(waysOut: readonly string[]): string {
  return waysOut.map((way) => `    way out: ${printable(way)}\n`).join('')
}
