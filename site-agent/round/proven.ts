/**
 * What a plan starts from, at the site (fedsum, section E.3): a model and a standardisation count only where this site made
 * them from a sum that it verified, or where enough sites that it has pinned signed that they did. A coordinator alone can
 * invent neither.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { Proven } from '@consilium/protos/plan/round-plan.ts'
import { type JudgedSum, verdictMessage, verifyMessage } from '@consilium/protos/secagg/signed-messages.ts'
import { studyThresholds } from '@consilium/protos/secagg/thresholds.ts'
import { standardisationHash, verifiersMin } from '@consilium/protos/strategy/made.ts'
import type { AcceptedResult } from '../store/results.ts'
import type { Assignment } from './assignment.ts'
import type { Site } from './site.ts'

type ProvenSite = Pick<Site, 'store'> & { readonly readPolicy: () => Pick<ReturnType<Site['readPolicy']>, 'secure'> }

/**
 * Accepts what a secure plan goes on from, durably; throws `sum-not-verified` where nobody vouches for it. The study's
 * initial parameters need no word: the approval names them.
 */
export function acceptProven({ plan, study }: Pick<Assignment, 'plan' | 'study'>, site: ProvenSite): void {
  const { secure, modelEntry, model, standardisation, proven } = plan
  if (!secure) return
  const { aggregation, cohort } = study.manifest.study
  if (aggregation.mode !== 'secure') return
  const due = studyThresholds({ cohort, aggregation }, plan.cohort.length)
  const colluders = Math.max(due.colluders, site.readPolicy().secure.colluders ?? 0)
  const needed = verifiersMin({ colluders })
  const accept = (purpose: AcceptedResult['purpose'], made: Sha256, by: Proven | undefined) => {
    if (site.store.results.isAccepted(plan.run, purpose, made)) return
    assertVouchedFor({ run: plan.run, purpose, made }, needed, by, site)
    site.store.results.accept({ ...by!, run: plan.run, purpose, made, how: 'signed' })
  }
  if (modelEntry !== undefined) accept('train', model, proven?.model)
  if (standardisation) accept('statistics', standardisationHash(standardisation), proven?.standardisation)
}

function assertVouchedFor(
  what: Pick<JudgedSum, 'run' | 'purpose' | 'made'>,
  needed: number,
  by: Proven | undefined,
  { store: { roster } }: ProvenSite,
): void {
  const { purpose, made } = what
  const name = purpose === 'train' ? 'model' : 'standardisation'
  const signers = new Set(
    by?.verified.flatMap(({ site, signature }) => {
      const key = roster.pinned(site)
      const message = verdictMessage('verified', { ...what, planHash: by.planHash, sums: by.sums })
      return key && verifyMessage(key, Buffer.from(signature, 'base64'), message) ? [site] : []
    }),
  )
  if (signers.size >= needed) return
  throw new FederationError(
    'sum-not-verified',
    `the plan starts from a ${name} (${made.slice(0, 12)}) that this site did not compute from a sum it checked, and ${signers.size} of ${needed} sites pinned here signed that they did`,
  )
}
