/**
 * What a plan starts from, at the site (fedsum, sections E.3 and E.4): a model and the means of columns count only where this
 * site made them from a sum that it verified, or where enough sites that it has pinned signed that they did. A coordinator
 * alone can invent neither, nor give a column another mean than the one it has.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { columnsOf } from '@consilium/protos/plan/columns.ts'
import type { Proven, Standardisation, Summed } from '@consilium/protos/plan/round-plan.ts'
import type { Feature } from '@consilium/protos/plan/study.ts'
import { type JudgedSum, verdictMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { columnsHash, verifiersMin } from '@consilium/protos/strategy/made.ts'
import type { Assignment } from './assignment.ts'
import type { Site } from './site.ts'
import { checkStandardisation } from './standardisation.ts'

type ProvenSite = Pick<Site, 'store'> & { readonly readPolicy: () => Pick<ReturnType<Site['readPolicy']>, 'secure'> }

/**
 * Accepts what a secure plan goes on from, durably; throws `sum-not-verified` where nobody vouches for it. The study's
 * initial parameters need no word: the approval names them.
 */
export function acceptProven({ plan, study }: Pick<Assignment, 'plan' | 'study'>, site: ProvenSite): void {
  const { secure, modelEntry, run, model: made, standardisation, proven } = plan
  if (!secure) return
  const { aggregation, cohort, features } = study.manifest.study
  if (aggregation.mode !== 'secure') return
  const due = studyThresholds({ cohort, aggregation }, plan.cohort.length)
  const colluders = Math.max(due.colluders, site.readPolicy().secure.colluders ?? 0)
  const needed = verifiersMin({ colluders })
  if (modelEntry !== undefined && !site.store.results.isAccepted(run, 'train', made)) {
    const vouchers = vouchersOf({ run, purpose: 'train', made }, proven?.model, site)
    if (vouchers < needed) throw unvouched(`a model (${made.slice(0, 12)})`, vouchers, needed)
    site.store.results.accept({ ...proven!.model!, run, purpose: 'train', made, how: 'signed' })
  }
  if (standardisation) acceptStandardisation(standardisation, features, proven?.columns ?? [], needed, site)
}

/** Each column has the one mean that it has in every study: this site verified its sum, or enough others did. */
function acceptStandardisation(
  standardisation: Standardisation,
  features: readonly Feature[],
  given: readonly Summed[],
  needed: number,
  site: ProvenSite,
): void {
  const counted = new Map<Summed, number>()
  const countOnce = (summed: Summed) => {
    const vouchers = counted.get(summed) ?? vouchersFor(summed, site)
    counted.set(summed, vouchers)
    return { summed, vouchers }
  }
  const known = columnsOf(features).map(({ name }) => {
    const mean = site.store.columns.mean(name)
    if (mean && (mean.vouchers ?? needed) >= needed) return [name, mean.column] as const
    const named = given.filter(({ columns }) => columns.some((column) => column.name === name)).map(countOnce)
    const best = named.find(({ vouchers }) => vouchers >= needed)
    if (!best) throw unvouched(`a mean of ${name}`, Math.max(0, ...named.map(({ vouchers }) => vouchers)), needed)
    const { run, planHash, columns } = best.summed
    const column = columns.find((each) => each.name === name)!
    site.store.columns.keepMean({ column, run, planHash, vouchers: best.vouchers })
    return [name, column] as const
  })
  checkStandardisation(standardisation, features, new Map(known))
}

function vouchersFor({ columns, ...by }: Summed, site: ProvenSite): number {
  return vouchersOf({ run: by.run, purpose: 'statistics', made: columnsHash(columns) }, by, site)
}

/** How many sites that this site has pinned signed that they found this to be made of the sum. */
function vouchersOf(
  what: Pick<JudgedSum, 'run' | 'purpose' | 'made'>,
  by: Proven | undefined,
  { store: { roster } }: ProvenSite,
): number {
  const signers = new Set(
    by?.verified.flatMap(({ site, signature }) => {
      const key = roster.pinned(site)
      const message = verdictMessage('verified', { ...what, planHash: by.planHash, sums: by.sums })
      return key && verifyMessage(key, Buffer.from(signature, 'base64'), message) ? [site] : []
    }),
  )
  return signers.size
}

function unvouched(what: string, vouchers: number, needed: number): FederationError {
  return new FederationError(
    'sum-not-verified',
    `the plan starts from ${what} that this site did not compute from a sum it checked, and ${vouchers} of ${needed} sites pinned here signed that they did`,
  )
}
