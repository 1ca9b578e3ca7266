/**
 * Holds a run once all of a training have checked its sum, so that a test may let sites leave and come back between two
 * rounds, whatever the machine's speed. While a round waits for sites, the coordinator's time passes.
 */
import type { RunView } from '@consilium/coordinator/services.ts'
import type { RunId, SiteName } from '@consilium/protos/plan/names.ts'
import type { HostileFederation } from './hostile/federation.ts'
import type { Lies } from './hostile/lying.ts'

export type PacedRun = ReturnType<typeof pacedRun>

export function pacedRun() {
  const held = new Map<SiteName, () => void>()
  let heldFrom = 1
  const lies: Pick<Lies, 'fromSite'> = {
    fromSite({ site, message }, federation) {
      const plan = federation.planOf(message)
      if (message.type !== 'verified' || plan?.purpose !== 'train' || plan.round < heldFrom) return [message]
      held.set(site, () => federation.hear(site, message))
      return []
    },
  }
  /** Resolves as soon as the run stands after the training of this round. */
  async function after(federation: HostileFederation, run: RunId, round: number): Promise<void> {
    await passUntil(federation, run, () => {
      const plan = [...federation.plans.values()].findLast(({ purpose }) => purpose === 'train')
      return plan?.round === round && held.size === plan.cohort.length
    })
  }
  /** The run goes on. Whoever has left meanwhile says again what it said when it is back. */
  function goOn(): void {
    const all = [...held]
    held.clear()
    heldFrom += 1
    for (const [, say] of all) say()
  }
  return { lies, after, goOn }
}

/** The run as it is once `holds`; time passes only while a round recruits. */
export async function passUntil(
  { admin, pass }: HostileFederation,
  run: RunId,
  holds: (view: RunView) => boolean,
): Promise<RunView> {
  for (;;) {
    const view = await admin.showRun(run)
    if (holds(view)) return view
    if (view.state !== 'running') throw new Error(`the run ended before: ${view.state} ${view.reason}`)
    if (view.current?.phase === 'recruit') pass(1_000)
    await new Promise(setImmediate)
  }
}
