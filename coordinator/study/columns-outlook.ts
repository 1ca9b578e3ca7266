/**
 * Why a run of a study could not begin for the sake of a column: a column is summed once, in all studies (fedsum, section
 * E.4).
 */
import { type Column, columnsOf, isOtherForm } from '@consilium/protos/plan/columns.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { verifiersMin } from '@consilium/protos/strategy/made.ts'
import { type ColumnState, type ColumnStates, columnStates } from '../round/columns.ts'
import { exclusion } from '../round/presence.ts'
import { isSummedUp } from '../run/columns-of-before.ts'
import type { StartRefusal } from '../run-outlook.ts'
import type { Situation } from './situation.ts'

/** The first column that stands in the way of a run. */
export function columnRefusal(situation: Situation): StartRefusal | undefined {
  const { manifest, runs } = situation
  if (!isSummedUp(manifest.study)) return undefined
  const states = columnStates(runs)
  for (const column of columnsOf(manifest.study.features)) {
    const refused = refusalOf(column, states, situation)
    if (refused) return { code: 'column-summed', ...refused }
  }
  return undefined
}

type Refused = Omit<StartRefusal, 'code'>

function refusalOf(column: Column, states: ColumnStates, situation: Situation): Refused | undefined {
  const state = states.get(column.name)
  if (state?.state === 'summed') return formRefusal(column, state) ?? voucherRefusal(column, state, situation)
  return state?.state === 'settled' ? settledRefusal(column, state, situation) : undefined
}

function formRefusal(column: Column, { run, summed }: Of<'summed'>): Refused | undefined {
  const known = summed.columns.find(({ name }) => name === column.name)
  if (!known || !isOtherForm(column, known)) return undefined
  const formOf = ({ levels }: Column) => (levels ? 'a category' : 'a number')
  return {
    reason: `run ${run} summed the column ${column.name} as ${formOf(known)}, this study has it as ${formOf(column)}, and no site helps to a second sum of a column`,
    waysOut: [`have it as ${formOf(known)}`, ...elsewise(column)],
  }
}

/** Sites that were not in those statistics take a mean on the word of more of them than may collude. */
function voucherRefusal(column: Column, { run, summed }: Of<'summed'>, { manifest }: Situation): Refused | undefined {
  const { cohort, aggregation } = manifest.study
  if (aggregation.mode !== 'secure') return undefined
  const needed = verifiersMin(studyThresholds({ cohort, aggregation }, cohort.planned ?? cohort.min))
  const vouchers = summed.verified.length
  if (vouchers >= needed) return undefined
  return {
    reason: `${vouchers} sites vouched for the mean of ${column.name} from run ${run}, and this study asks for ${needed}`,
    waysOut: elsewise(column),
  }
}

function settledRefusal(column: Column, { run, sites }: Of<'settled'>, situation: Situation): Refused | undefined {
  const { attendance, without } = situation
  const lacking = sites.filter((site) => without.includes(site) || exclusion(attendance, site) !== undefined)
  if (lacking.length === 0) return undefined
  return {
    reason: `${sites.join(', ')} masked for a sum of ${column.name} in run ${run}, which never came out, and take part in no other one of it; ${lacking.join(', ')} would not be in this one`,
    waysOut: [`have ${lacking.join(', ')} approve this study, and leave none of these sites out`, ...elsewise(column)],
  }
}

function elsewise({ name }: Column): string[] {
  return [
    'standardise per-site, or not at all',
    `have the hospitals show ${name} under another name in the view of site.yaml: that is another column`,
  ]
}

type Of<State extends ColumnState['state']> = Extract<ColumnState, { state: State }>
