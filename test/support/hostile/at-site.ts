/** A person at a site uses its command line, beside the running agent. */
import type { SiteName } from '@consilium/protos/plan/names.ts'
import { main } from '@consilium/site-agent/cli/main.ts'
import type { HostileFederation } from './federation.ts'

/** Resolves with what the command printed as JSON. */
export async function atSite({ joined }: HostileFederation, site: SiteName, ...args: string[]) {
  const { state } = joined.get(site)!
  const out: string[] = []
  const errors: string[] = []
  const terminal = {
    ...{ isLive: false, hasColor: false, columns: 100 },
    write: (text: string) => void out.push(text),
    writeError: (text: string) => void errors.push(text),
  }
  const context = { terminal, readInput: async () => '', interrupted: AbortSignal.abort() }
  const code = await main([...args, '--json', '--site', `${state}/..`, '--state', state], context)
  if (code !== 0) throw new Error(`${args.join(' ')}: ${errors.join('')}`)
  return JSON.parse(out.join(''))
}
