/** `consilium site`: invite hospitals, see them, end their membership. */
import { FederationError } from '@consilium/protos/errors.ts'
import { joinCodeMinutesDefault, joinCodeMinutesMax } from '@consilium/protos/limits.ts'
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import { siteNameSchema } from '@consilium/protos/plan/names.ts'
import { type Command, InvalidArgumentError } from 'commander'
import type { SiteView } from '../services.ts'
import { action, type CommandContext, examples } from './command.ts'
import { colored, type Terminal, table } from './output.ts'
import { warnOfLosses } from './recover.ts'
import { standsOutText } from './stands-out-text.ts'
import { withAdmin } from './with-admin.ts'

export function addSiteCommands(root: Command, context: CommandContext): void {
  const site = root.command('site').description('Hospitals of the federation.')
  site
    .command('add')
    .description('Invites a hospital: prints the join code that its IT gives to the site agent, once.')
    .argument('<name>', 'lower-case letters, digits and hyphens', parseSiteName)
    .option(
      '--valid-minutes <n>',
      `how long the join code is valid, 1 to ${joinCodeMinutesMax}`,
      parseMinutes,
      joinCodeMinutesDefault,
    )
    .addHelpText('after', examples('consilium site add basel', 'consilium site add basel --valid-minutes 60'))
    .action(
      action<{ readonly validMinutes: number }>(context, async ({ args: [name = ''], home, options, print }) => {
        const { joinCode, expiresAt } = await withAdmin(home, (admin) => admin.addSite(name, options.validMinutes))
        print({ name, joinCode, expiresAt }, () => invitation(name, joinCode, expiresAt))
      }),
    )
  site
    .command('list')
    .description('Lists the hospitals: invited, enrolled or revoked, and whether their agent is connected now.')
    .addHelpText('after', examples('consilium site list', 'consilium site list --json'))
    .action(
      action(context, async ({ home, print, terminal, alarm }) => {
        const sites = await withAdmin(home, async (admin) => {
          await warnOfLosses(admin, { alarm })
          return admin.listSites()
        })
        print(sites, () => siteTable(sites, terminal))
      }),
    )
  site
    .command('revoke')
    .description('Ends a membership at once, on open connections too. The site can be added again under the same name.')
    .argument('<name>', 'the site', parseSiteName)
    .requiredOption('--reason <text>', 'why; it is written to the log and shown to the site')
    .addHelpText('after', examples('consilium site revoke basel --reason "left the consortium"'))
    .action(
      action<{ readonly reason: string }>(context, async ({ args: [name = ''], home, options, print }) => {
        const view = await withAdmin(home, (admin) => admin.revokeSite(name, options.reason))
        print(view, () => `${view.name} is revoked: ${view.revokedReason}\n`)
      }),
    )
}

function parseSiteName(text: string): string {
  const parsed = siteNameSchema.safeParse(text)
  if (!parsed.success) throw new InvalidArgumentError('allowed are lower-case letters, digits and hyphens, at most 63.')
  return parsed.data
}

function parseMinutes(text: string): number {
  const minutes = Number(text)
  if (!/^\d+$/.test(text) || minutes < 1 || minutes > joinCodeMinutesMax)
    throw new InvalidArgumentError(`allowed are whole minutes from 1 to ${joinCodeMinutesMax}.`)
  return minutes
}

function invitation(name: string, joinCode: string, expiresAt: string): string {
  if (!/^[\w.-]+$/.test(joinCode))
    throw new FederationError('message-invalid', 'the join code holds characters that no join code has')
  return [
    `Site ${name} is invited. Hand this to its IT over a channel you trust; it works once, until ${formatTime(expiresAt)}:`,
    '',
    `  site-agent join ${joinCode}`,
    '',
    '',
  ].join('\n')
}

function siteTable(sites: readonly SiteView[], terminal: Terminal): string {
  if (sites.length === 0) return 'No sites yet: invite one with consilium site add <name>.\n'
  const now = sites.filter(({ attending }) => attending).length
  const rows = sites.map(({ name, state, attending, fingerprint, certificateExpiresAt, revokedReason }) => [
    name,
    state,
    attending ? 'connected' : '-',
    fingerprint || '-',
    formatTime(certificateExpiresAt),
    revokedReason || '-',
  ])
  return [
    table(['site', 'state', 'agent', 'fingerprint', 'certificate until', 'revoked because'], rows),
    standsOutText(sites),
    colored(terminal, 'dim', fields([['connected now', `${now} of ${sites.length}`]])),
  ].join('')
}
