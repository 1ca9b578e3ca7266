/** `site-agent roster`: whose keys this site trusts in a secure round, and a person's word on a key that is offered. */
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { errorMessage, FederationError } from '@consilium/protos/errors.ts'
import { fingerprint } from '@consilium/protos/identity.ts'
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { openMembership } from '../connect.ts'
import { writeDurably } from '../durable-file.ts'
import { pinsToTell } from '../pins.ts'
import { fingerprintSchema, readPolicy } from '../policy.ts'
import { approveSite, type RosterLine, removeSite, rosterLines } from '../roster.ts'
import type { SiteStore } from '../store/site-store.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { table } from './output.ts'
import { openConnected, withStore } from './with-store.ts'

export function addRosterCommands(root: Command, context: CommandContext): void {
  const roster = root
    .command('roster')
    .description("The sites' keys that this site trusts: it takes part only in secure rounds among these.")
  roster
    .command('list')
    .description(
      "Lists every site with the fingerprint of its key, whether it is pinned here, and the coordinator's own. Asks nobody.",
    )
    .addHelpText('after', examples('site-agent roster list', 'site-agent roster list --json'))
    .action(action(context, list))
  roster
    .command('approve')
    .description(
      'Pins the key that the coordinator offers for a site. First compare its fingerprint with the one that the site itself reads out (site-agent status), over the telephone say. Takes effect at once.',
    )
    .argument('<site>', 'the other site')
    .argument('<fingerprint>', 'SHA256:..., as the site read it out')
    .addHelpText('after', examples('site-agent roster approve basel SHA256:mVPw...'))
    .action(action(context, approve))
  roster
    .command('remove')
    .description('Trusts no key of a site any more: this site refuses every further secure round with it.')
    .argument('<site>', 'the other site')
    .addHelpText('after', examples('site-agent roster remove basel'))
    .action(action(context, remove))
  roster
    .command('export')
    .description(
      "Writes the pinned roster, this site and the coordinator's fingerprint as YAML, for consilium log verify --roster.",
    )
    .option('--out <file>', 'where to write it; default: standard output')
    .addHelpText(
      'after',
      examples('site-agent roster export > roster.yaml', 'site-agent roster export --out roster.yaml'),
    )
    .action(action<{ readonly out?: string }>(context, exportRoster))
}

async function list(invocation: Invocation<unknown>): Promise<void> {
  await withStore(invocation, async (store) => {
    const { coordinator, sites } = rosterOf(invocation, store)
    invocation.print({ coordinator, sites }, () =>
      [
        fields([['coordinator', coordinator]]),
        '\n',
        table(
          ['site', 'fingerprint', 'state'],
          sites.map((line) => [line.site, line.fingerprint, describe(line)]),
        ),
        ...sites.flatMap(({ site, offered }) => (offered ? [`\n${warning(site, offered)}\n`] : [])),
      ].join(''),
    )
  })
}

async function approve(invocation: Invocation<unknown>): Promise<void> {
  const [site = '', given = ''] = invocation.args
  const compared = fingerprintSchema.safeParse(given)
  if (!compared.success)
    throw new FederationError('invalid-argument', `${given} is no fingerprint: give SHA256: and 43 characters`)
  await withStore(invocation, async (store) => {
    if (site === openMembership(invocation.state).site)
      throw new FederationError('invalid-argument', `${site} is this site itself: its own key needs no approval`)
    const { username: account } = userInfo()
    approveSite(store.roster, { site, fingerprint: compared.data, account }, readPolicy(invocation))
    const untold = await tell(invocation, store)
    invocation.print(
      { site, fingerprint: compared.data, state: 'pinned', told: untold === undefined },
      () => `${site} is pinned: ${compared.data}\n${notTold(untold)}`,
    )
  })
}

async function remove(invocation: Invocation<unknown>): Promise<void> {
  const [site = ''] = invocation.args
  await withStore(invocation, async (store) => {
    removeSite(store.roster, site, userInfo().username, readPolicy(invocation))
    const untold = await tell(invocation, store)
    invocation.print(
      { site, state: 'removed', told: untold === undefined },
      () => `No key of ${site} is pinned here any more.\n${notTold(untold)}`,
    )
  })
}

/**
 * Undefined once the coordinator knows, else why it does not. It recruits by what it is told; what is pinned holds here
 * whether it knows or not.
 */
async function tell(invocation: Invocation<unknown>, store: SiteStore): Promise<string | undefined> {
  const { link } = openConnected(invocation, store)
  try {
    await link.pin(pinsToTell(store.roster))
    return undefined
  } catch (error) {
    if (error instanceof FederationError) return errorMessage(error)
    throw error
  } finally {
    await link.close()
  }
}

function notTold(why: string | undefined): string {
  return why === undefined
    ? ''
    : `The coordinator could not be told yet; the agent tells it when it next attends. ${why}\n`
}

async function exportRoster(invocation: Invocation<{ readonly out?: string }>): Promise<void> {
  const { options, print } = invocation
  await withStore(invocation, async (store) => {
    const { coordinator, sites } = rosterOf(invocation, store)
    const trusted = sites.filter(({ state }) => state !== 'offered')
    const exported = { coordinator, sites: Object.fromEntries(trusted.map((line) => [line.site, line.fingerprint])) }
    const yaml = `# Keys as ${openMembership(invocation.state).site} pinned them.\n${stringify(exported)}`
    if (options.out === undefined) return print(exported, () => yaml)
    const out = resolve(options.out)
    writeDurably(out, Buffer.from(yaml, 'utf8'))
    print({ ...exported, out }, () => `${out}: ${trusted.length} sites\n`)
  })
}

function rosterOf({ state }: Invocation<unknown>, store: SiteStore) {
  const { site, identity, coordinatorPublicKey } = openMembership(state)
  const sites = rosterLines(store.roster, { site, publicKey: identity.publicKey })
  return { coordinator: fingerprint(coordinatorPublicKey), sites }
}

function describe({ state, by, account, at = '', revokedAt }: RosterLine): string {
  if (state === 'self') return 'this site'
  if (state === 'offered') return 'offered, awaits approval'
  const pinned = `pinned by ${by === 'policy' ? 'policy.yaml' : account}, ${formatTime(at)}`
  const revoked = revokedAt ? `; REVOKED by the coordinator, ${formatTime(revokedAt)}` : ''
  return `${pinned}${revoked}${state === 'changed' ? '; ANOTHER key is offered' : ''}`
}

function warning(site: string, offered: string): string {
  return `The coordinator offers ${offered} for ${site}. If ${site} itself did not change its key, tell the other sites.`
}
