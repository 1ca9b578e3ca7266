/**
 * Tells the coordinator, before any plan, of what this site takes no part in of the studies that it approved, by codes alone: so
 * that it plans without this site, or withholds at once, instead of failing a round. Nothing but what a plan would be refused
 * with, and each plan is checked all the same.
 */
import type { StoodOut } from '@consilium/protos/control-messages.ts'
import { standsOutMax } from '@consilium/protos/limits.ts'
import { open } from './breaches.ts'
import { judge, namedStudy, testRowsLack } from './judge.ts'
import { restoredError, standsOutOf } from './round/after-restore.ts'
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
  return approved.flatMap((known) => ofStudy(known, site)).slice(0, standsOutMax)
}

function ofStudy(known: KnownStudy, site: Standing): readonly StoodOut[] {
  const { store } = site
  const study = known.hash
  if (restoredError(site)) return [{ study, purpose: 'all', code: 'site-restored' }]
  const stood = store.standOuts.list(study)
  const whole = wholeStudy(known, site)
  if (stood.some(({ purpose }) => purpose === 'all')) return [{ study, purpose: 'all', code: 'site-fault' }]
  if (whole) return [whole]
  return (['statistics', 'evaluate'] as const).flatMap((purpose): StoodOut[] => {
    if (stood.some((each) => each.purpose === purpose)) return [{ study, purpose, code: 'site-fault' }]
    if (standsOutOf(study, site).includes(purpose)) return [{ study, purpose, code: 'site-restored' }]
    return purpose === 'evaluate' && lacksRows(known, site) ? [{ study, purpose, code: 'data-not-ready' }] : []
  })
}

/** The policy became stricter than the study that was approved under it. */
function wholeStudy(known: KnownStudy, { store, readPolicy }: Standing): StoodOut | undefined {
  const accepted = store.studies.decisionOn(known.hash)?.accepted ?? []
  const found = open(judge(namedStudy(known), { store, policy: readPolicy() }), accepted)
  return found.length > 0 ? { study: known.hash, purpose: 'all', code: 'policy-refused' } : undefined
}

function lacksRows(known: KnownStudy, site: Standing): boolean {
  const { manifest } = namedStudy(known)
  const isSecure = manifest.study.aggregation.mode === 'secure'
  const judging = { store: site.store, policy: site.readPolicy() }
  return (
    testRowsLack(namedStudy(known), judging) !== undefined ||
    (isSecure && presentRowsLack(known.hash, site) !== undefined)
  )
}
