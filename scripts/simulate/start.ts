/** Starts the processes of a simulated federation as their own command lines do, each in a folder of its own. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AdminClient } from '@consilium/coordinator/cli/admin-client.ts'
import { stringify } from 'yaml'
import { z } from 'zod'
import type { ProcessGroup } from './processes.ts'

const startedSchema = z.object({ siteAddress: z.string(), adminAddress: z.string() })

/** Resolves once the coordinator has said that both its listeners are up. */
export async function startCoordinator(processes: ProcessGroup, home: string): Promise<z.output<typeof startedSchema>> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(join(home, 'coordinator.yaml'), stringify(loopback))
  return new Promise((resolve) => {
    processes.start({
      name: 'coordinator',
      args: [entryPoint('coordinator'), 'serve', '--home', home, '--json'],
      onLine: (line) => {
        const started = parseStarted(line)
        if (started) resolve(started)
      },
    })
  })
}

export type SiteStart = {
  readonly processes: ProcessGroup
  readonly admin: AdminClient
  readonly name: string
  readonly folder: string
  readonly state: string
  /** Fingerprint of the lead whose studies the site approves. */
  readonly lead: string
}

/** Invites a site, joins it with the code over standard input, and leaves its agent running. */
export async function startSite({ processes, admin, name, folder, state, lead }: SiteStart): Promise<void> {
  await mkdir(state, { recursive: true, mode: 0o700 })
  await writeFile(join(state, 'policy.yaml'), stringify({ approve: { leads: [lead] } }))
  const { joinCode } = await admin.addSite(name, 10)
  const place = ['--site', folder, '--state', state]
  await processes.run({ name, args: [entryPoint('site-agent'), 'join', '-', ...place], input: `${joinCode}\n` })
  processes.start({ name, args: [entryPoint('site-agent'), 'run', ...place] })
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

/** What `serve --json` prints once; other lines are its log. */
function parseStarted(line: string): z.output<typeof startedSchema> | undefined {
  try {
    return startedSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
