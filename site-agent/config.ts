/** Where the agent finds what it needs: the site folder, written by the hospital's IT, and the state folder, its own. */
import { join, resolve } from 'node:path'

export type Folders = {
  /** Holds `site.yaml` and perhaps `policy.yaml`; absolute. */
  readonly site: string
  /** Holds keys, certificate, `agent.sqlite`, `outbox/`, `objects/`; absolute. */
  readonly state: string
  readonly siteConfigPath: string
}

/** `site` defaults to the current folder, `state` to the folder of that name in it. */
export function resolveFolders(options: { readonly site?: string; readonly state?: string } = {}): Folders {
  const site = resolve(options.site ?? '.')
  return { site, state: resolve(options.state ?? join(site, 'state')), siteConfigPath: join(site, 'site.yaml') }
}
