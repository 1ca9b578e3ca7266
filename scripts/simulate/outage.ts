/** A site that fails in the middle of a round: its agent is killed while it uploads, and started again after the round. */
import type { RunView } from '@consilium/coordinator/services.ts'
import { FederationError } from '@consilium/protos/errors.ts'

export type Outage = { readonly site: string; readonly round: number }

/** Reads `<site>@<round>`; throws `invalid-argument`. */
export function readOutage(text: string, sites: readonly { readonly name: string }[]): Outage {
  const [, site = '', round = ''] = /^([^@]+)@(\d{1,6})$/.exec(text) ?? []
  if (sites.some(({ name }) => name === site)) return { site, round: Number(round) }
  const names = sites.map(({ name }) => name).join(', ')
  throw new FederationError(
    'invalid-argument',
    `--kill ${text}: name a site and a round, site@3; the sites are ${names}`,
  )
}

export type OutageSteps = {
  readonly kill: (site: string) => Promise<void>
  readonly start: (site: string) => Promise<void>
  readonly say: (line: string) => void
}

/** To be called with every view of the run. */
export function stageOutage(
  outage: Outage | undefined,
  { kill, start, say }: OutageSteps,
): (run: RunView) => Promise<void> {
  let state: 'waiting' | 'killed' | 'over' = outage ? 'waiting' : 'over'
  return async ({ current, rounds }) => {
    if (!outage || state === 'over') return
    const { site, round } = outage
    if (state === 'waiting' && isUploading(current, round)) {
      state = 'killed'
      await kill(site)
      say(`${site}: its agent was killed (kill -9) while round ${round} collects the updates`)
    } else if (state === 'killed' && rounds.some((over) => over.round === round)) {
      state = 'over'
      say(`${site}: its agent is started again`)
      await start(site)
    }
  }
}

function isUploading(current: RunView['current'], round: number): boolean {
  return current?.round === round && current.purpose === 'train' && current.phase === 'collect-updates'
}
