/**
 * Commit, at the site: the round, or the whole run, is over. The secrets of its session are erased, the outbox and the
 * global parameters nobody needs any longer are deleted, and the outcome is noted.
 */
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import type { FromCoordinator } from '../link/link.ts'
import { inRound } from './events.ts'
import type { Site } from './site.ts'
import { standOutOfAll } from './stands-out.ts'

type RoundOver = Extract<FromCoordinator, { type: 'round-over' }>
type RunOver = Extract<FromCoordinator, { type: 'run-over' }>

export function commitRound({ planHash, outcome, reason }: RoundOver, site: Pick<Site, 'store' | 'emit'>): void {
  const work = site.store.journal.find(planHash)
  // It is said again to whoever comes back.
  if (!work || work.state === 'over') return
  if (outcome === 'failed' || outcome === 'too-few-contributors') {
    site.store.results.forget(planHash)
    site.store.columns.forgetMeans(planHash)
  }
  if (outcome === 'too-few-contributors') standOutOfAll(work.study, reason, site)
  site.store.journal.over(planHash, outcome, reason)
  tidy(site)
  site.emit({ type: 'round-over', ...inRound(planHash, work), outcome, reason })
}

/** Returns the study whose trainer is no longer needed, if there is one. */
export function commitRun({ run, outcome, reason }: RunOver, site: Pick<Site, 'store' | 'emit'>): Sha256 | undefined {
  const newest = site.store.journal.newestOf(run)
  if (!newest || site.store.journal.isRunOver(run)) return undefined
  site.store.journal.runOver(run, outcome, reason)
  tidy(site)
  site.emit({ type: 'run-over', run, outcome, reason })
  const stillOpen = site.store.journal.open().some(({ study }) => study === newest.study)
  return stillOpen ? undefined : newest.study
}

/**
 * Deletes what belongs to no open work: sessions, contributions, and objects other than graphs and current parameters. The
 * words of a round that may be attempted again stay.
 */
export function tidy({ store }: Pick<Site, 'store'>): void {
  const open = new Set(store.journal.open().map(({ planHash }) => planHash))
  store.sessions.keepOnly(open)
  store.outbox.keepOnly(open, store.journal.repeatable())
  const models = [...store.journal.modelsInUse(), ...store.results.modelsInUse()]
  store.objects.keepOnly(new Set([...models, ...store.studies.graphs()]))
}
