/** People of a federation: what somebody at a hospital does at the command line, and what whoever watches a run sees. */
import type { RunView } from '@consilium/coordinator/services.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { siteCommand } from '../site-command.ts'
import type { HostileFederation } from './federation.ts'

/** Runs `site-agent ... --json` beside the site's running agent; gives what it printed, or the refusal. */
// biome-ignore lint/suspicious/noExplicitAny: what each command prints is the test's to know.
export async function atSite(federation: HostileFederation, site: SiteName, ...args: string[]): Promise<any> {
  const { state } = federation.joined.get(site)!
  const { out, error } = await siteCommand([...args, '--json', '--site', `${state}/..`, '--state', state])
  return JSON.parse(out || error)
}

/** Somebody at each of these sites approves the key of another one, read out by telephone. */
export async function approveKey(federation: HostileFederation, of: SiteName, by: readonly SiteName[]): Promise<void> {
  const { identity } = federation.joined.get(of)!
  for (const site of by) await atSite(federation, site, 'roster', 'approve', of, fingerprint(identity.publicKey))
}

/** The first view of the run that holds. */
export async function viewOf(
  { admin }: HostileFederation,
  run: string,
  holds: (view: RunView) => boolean | undefined,
): Promise<RunView> {
  for await (const view of admin.watchRun(run, new AbortController().signal)) if (holds(view)) return view
  throw new Error(`the run ${run} ended before`)
}
