/**
 * Tells the coordinator, before any plan, of what this site takes no part in of the studies that it approved, by codes alone: so
 * that it plans without this site, or withholds at once, instead of failing a round. Nothing but what a plan would be refused
 * with, and each plan is checked all the same.
 */
import type { StoodOut } from '@consilium/protos/control-messages.ts'
import { standsOutMax } from '@consilium/protos/limits.ts'
import { open } from './breaches.ts'
import { judge, testRowsLack } from './judge.ts'
import { restoredError, standsOutOf } from './round/after-restore.ts'
import type { NamedStudy } from './round/assignment.ts'
import type { Site } from './round/site.ts'
import { presentRowsLack } from './round/test-rows.ts'
import type { KnownStudy } from './store/studies.ts'

type Standing = Pick<Site, 'store' | 'name' | 'readPolicy'>

export type StandOutTelling = {
  /** First of all on a stream; nothing where this site takes part in everything. */
  tell(): void
  /** Where it is other than was told. */
  tellChanges(): void
  /** Once more, where there is any: this site's command line may have told less, which does not know what the agent read. */
  tellAgain(): void
}

export function openStandOutTelling(site: Standing & Pick<Site, 'link'>): StandOutTelling {
  let told = '[]'
  const say = (of: readonly StoodOut[]) => {
    site.link.send({ type: 'stands-out', of }, '')
    told = JSON.stringify(of)
  }
  return {
    tell() {
      const of = stoodOutOf(site)
      if (of.length > 0) say(of)
      else told = JSON.stringify(of)
    },
    tellChanges() {
      const of = stoodOutOf(site)
      if (JSON.stringify(of) !== told) say(of)
    },
    tellAgain() {
      const of = stoodOutOf(site)
      if (of.length > 0 || told !== '[]') say(of)
    },
  }
}

/** What this site takes no part in, each study and purpose once; the studies that it knows for longest first. */
export function stoodOutOf(site: Standing): readonly StoodOut[] {
  const approved = site.store.studies
    .list()
    .filter(({ hash }) => site.store.studies.decisionOn(hash)?.decision === 'approved')
  return ofStudies(approved, site).slice(0, standsOutMax)
}

function ofStudies(approved: readonly KnownStudy[], site: Standing): readonly StoodOut[] {
  if (approved.length === 0) return []
  if (restoredError(site)) return approved.map(({ hash }) => ({ study: hash, purpose: 'all', code: 'site-restored' }))
  const policy = site.readPolicy()
  return approved.flatMap((known) => ofStudy(known, { ...site, readPolicy: () => policy }))
}

function ofStudy(known: KnownStudy, site: Standing): readonly StoodOut[] {
  const study = known.hash
  const stood = site.store.standOuts.list(study)
  if (stood.some(({ purpose }) => purpose === 'all')) return [{ study, purpose: 'all', code: 'site-fault' }]
  const named = site.store.studies.read(known)
  if (breaksPolicy(named, site)) return [{ study, purpose: 'all', code: 'policy-refused' }]
  return (['statistics', 'evaluate'] as const).flatMap((purpose): StoodOut[] => {
    if (stood.some((each) => each.purpose === purpose)) return [{ study, purpose, code: 'site-fault' }]
    if (standsOutOf(study, site).includes(purpose)) return [{ study, purpose, code: 'site-restored' }]
    return purpose === 'evaluate' && lacksRows(named, site) ? [{ study, purpose, code: 'data-not-ready' }] : []
  })
}

/** The policy became stricter than the study that was approved under it. */
function breaksPolicy(study: NamedStudy, { store, readPolicy }: Standing): boolean {
  const accepted = store.studies.decisionOn(study.hash)?.accepted ?? []
  return open(judge(study, { store, policy: readPolicy() }), accepted).length > 0
}

function lacksRows(study: NamedStudy, site: Standing): boolean {
  const isSecure = study.manifest.study.aggregation.mode === 'secure'
  return (
    testRowsLack(study, { store: site.store, policy: site.readPolicy() }) !== undefined ||
    (isSecure && presentRowsLack(study.hash, site) !== undefined)
  )
}
