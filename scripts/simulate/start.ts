/** Starts the processes of a simulated federation as their own command lines do, each in a folder of its own. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AdminClient } from '@consilium/coordinator/cli/admin-client.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { writeSiteSecret } from '@consilium/site-agent/link/identity-files.ts'
import { type Policy, waivableRules } from '@consilium/site-agent/policy.ts'
import { stringify } from 'yaml'
import { z } from 'zod'
import type { ProcessGroup } from './processes.ts'
import { simulatedSecret } from './simulated-secret.ts'

const startedSchema = z.object({ siteAddress: z.string(), adminAddress: z.string() })
const joinedSchema = z.object({ site: z.string(), fingerprint: z.string() })

/** Resolves once the coordinator has said that both its listeners are up. */
export async function startCoordinator(processes: ProcessGroup, home: string): Promise<z.output<typeof startedSchema>> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(join(home, 'coordinator.yaml'), stringify(loopback))
  return new Promise((resolve) => {
    processes.start({
      name: 'coordinator',
      args: [entryPoint('coordinator'), 'serve', '--home', home, '--json'],
      onLine: (line) => {
        const started = parseLine(startedSchema, line)
        if (started) resolve(started)
      },
    })
  })
}

export type SiteStart = {
  readonly processes: ProcessGroup
  readonly name: string
  readonly folder: string
  readonly state: string
  /** Of its policy; absent: the default. */
  readonly rows?: Policy['rows']
}

/** Invites a site and joins it with the code over standard input; resolves with its fingerprint as it prints that itself. */
export async function joinSite(site: SiteStart, admin: AdminClient): Promise<string> {
  const { processes, name, state } = site
  await mkdir(state, { recursive: true, mode: 0o700 })
  writeSiteSecret(state, simulatedSecret(name))
  const { joinCode } = await admin.addSite(name, 10)
  const printed: string[] = []
  const args = [entryPoint('site-agent'), 'join', '-', '--json', ...placeOf(site)]
  await processes.run({ name, args, input: `${joinCode}\n`, onLine: (line) => printed.push(line) })
  const joined = printed.flatMap((line) => parseLine(joinedSchema, line) ?? [])[0]
  if (!joined) throw new FederationError('internal', `site ${name} did not print its fingerprint when it joined`)
  return joined.fingerprint
}

/** Writes what the site's people decided, and leaves its agent running. */
export async function startSite(site: SiteStart, policy: SitePolicy): Promise<void> {
  const { state, rows } = site
  const { lead, fingerprints } = policy
  // Who simulates is the study's author and each site's person in one.
  const approve = { leads: [lead], sealed: true, accept: [...waivableRules] }
  const decided = { approve, ...(rows && { rows }), roster: { sites: Object.fromEntries(fingerprints) } }
  await writeFile(join(state, 'policy.yaml'), stringify(decided))
  runAgent(site)
}

/** Leaves the site's agent running. */
export function runAgent(site: SiteStart): void {
  site.processes.start({ name: site.name, args: [entryPoint('site-agent'), 'run', ...placeOf(site)] })
}

export type SitePolicy = {
  /** Fingerprint of the lead whose studies the site approves. */
  readonly lead: string
  /** Of every site by its name, as the sites told one another without the coordinator. */
  readonly fingerprints: ReadonlyMap<string, string>
}

function placeOf({ folder, state }: SiteStart): string[] {
  return ['--site', folder, '--state', state]
}

/** The two listeners on this machine only, on ports that are free. */
const loopback = { federation: 'simulation', sites: { host: '127.0.0.1', port: 0 }, admin: { port: 0 } }

const entryPoints = {
  coordinator: new URL('../../coordinator/bin/consilium.mjs', import.meta.url),
  'site-agent': new URL('../../site-agent/bin/site-agent.mjs', import.meta.url),
}

function entryPoint(workspace: keyof typeof entryPoints): string {
  return fileURLToPath(entryPoints[workspace])
}

/** What `--json` prints in one line; other lines are a log. */
function parseLine<Schema extends z.ZodType>(schema: Schema, line: string): z.output<Schema> | undefined {
  try {
    return schema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
