/**
 * Standing out, at the site (fedsum, section E.1): statistics and evaluations cannot end in zeros, so a fault of the trainer
 * or the data there is told once, as `site-fault`. From then on the site takes no part in that purpose of the study until
 * a person here has looked: one bit a study, not one a round, whatever the coordinator or the study's author asks.
 */
import { errorCode, FederationError } from '@consilium/protos/errors.ts'
import type { RoundPlan } from '@consilium/protos/plan/round-plan.ts'
import type { StandOut } from '../store/stand-outs.ts'
import type { Assignment } from './assignment.ts'
import { orTell, refusalOf } from './refuse.ts'
import type { Site } from './site.ts'
import { isOfTraining } from './zeros.ts'

/** Throws `site-fault` where this site stands out of what is planned. */
export function checkStandsOut({ study, purpose }: RoundPlan, name: string, { store }: Pick<Site, 'store'>): void {
  const stood = store.standOuts.list(study).find((each) => each.purpose === 'all' || each.purpose === purpose)
  if (stood) throw standingOut(stood, name)
}

/** The error as it is refused: a fault of trainer or data in statistics or evaluation stands this site out of them. */
export function stoodOut(error: unknown, { plan, study }: Assignment, site: Pick<Site, 'store' | 'emit'>): unknown {
  const { purpose } = plan
  // Rows that changed keep a site out for as long as they are so, and no longer.
  if (purpose === 'train' || !isOfTraining(error) || errorCode(error) === 'data-changed') return error
  const stood = { study: study.hash, purpose, ...refusalOf(error) }
  orTell(site, () => site.store.standOuts.add(stood))
  return standingOut(stood, study.manifest.study.name)
}

/** A sum that is nearly one site's was seen: whoever was in it stays away from the study. */
export function standOutOfAll(study: RoundPlan['study'], reason: string, site: Pick<Site, 'store' | 'emit'>): void {
  const code = 'too-few-contributors'
  orTell(site, () => site.store.standOuts.add({ study, purpose: 'all', code, reason }))
  const name = site.store.studies.find(study)?.name ?? study
  site.emit({ type: 'trouble', code, reason: standingOut({ purpose: 'all', code, reason }, name).message })
}

function standingOut({ purpose, code, reason }: Omit<StandOut, 'study' | 'at'>, name: string): FederationError {
  const what = { statistics: 'the statistics', evaluate: 'the evaluations', all: 'all rounds' }[purpose]
  return new FederationError(
    'site-fault',
    `${reason} (${code}). This site stands out of ${what} of study ${name} until somebody here has looked: then site-agent study resume ${name}`,
  )
}
