/**
 * `consilium recover` and `consilium status`: a coordinator that runs from an old copy of its home folder says what is
 * missing, and its operator decides to go on from it. The page beside it is `coordinator/RECOVER.md`.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import { siteNameSchema } from '@consilium/protos/plan/names.ts'
import { type Command, InvalidArgumentError } from 'commander'
import type { RecoveryView } from '../services.ts'
import type { AdminClient } from './admin-client.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { withAdmin } from './with-admin.ts'

type Options = { readonly yes?: boolean; readonly readmit?: readonly string[] }

export function addRecoverCommands(root: Command, context: CommandContext): void {
  root
    .command('status')
    .description('How the coordinator stands: its sites, its runs, and whether it runs from an old copy of its home.')
    .addHelpText('after', examples('consilium status', 'consilium status --json'))
    .action(
      action(context, async ({ home, print }) => {
        const status = await withAdmin(home, readStatus)
        print(status, () => describeStatus(status))
      }),
    )
  root
    .command('recover')
    .description(
      'Goes on from an old copy of the home folder, once consilium status says that it is one: says what that costs, and asks. Whatever was lost stays lost; see coordinator/RECOVER.md first.',
    )
    .option('--yes', 'do not ask; without a terminal this is needed')
    .option(
      '--readmit <sites>',
      'sites, separated by commas, whose certificate is newer than the copy: let them in with it again',
      parseSites,
    )
    .addHelpText(
      'after',
      examples(
        'consilium status',
        'consilium recover',
        'consilium recover --readmit basel',
        'consilium recover --yes --json',
      ),
    )
    .action(action<Options>(context, recover))
}

/** What a list shows above itself while the coordinator runs from an old copy; nothing otherwise. */
export async function warnOfLosses(admin: AdminClient, { alarm }: Pick<Invocation<unknown>, 'alarm'>): Promise<void> {
  const { losses } = await admin.showRecovery()
  if (losses.length > 0) alarm(describeLosses(losses))
}

async function recover({ home, options, print, alarm, ask }: Invocation<Options>): Promise<void> {
  const readmit = options.readmit ?? []
  await withAdmin(home, async (admin) => {
    const before = await admin.showRecovery()
    if (before.losses.length > 0 && !options.yes) {
      alarm(`${describeLosses(before.losses)}\n${describeCost(before, readmit)}`)
      if (!ask)
        throw new FederationError(
          'invalid-argument',
          'nobody sits at a terminal here: add --yes to recover without asking',
        )
      if ((await ask(`Type ${before.federation} to recover it: `)).trim() !== before.federation)
        throw new FederationError('cancelled', 'not recovered; nothing is changed')
    }
    const after = await admin.recover(readmit)
    const done = { ...after, revoked: before.revoked, readmitted: readmit, invited: before.invited }
    const left = before.unknownCertificates.filter((site) => !readmit.includes(site))
    print({ ...done, unknownCertificates: left }, () => describeDone(done, left))
  })
}

async function readStatus(admin: AdminClient) {
  const [recovery, sites, runs] = [await admin.showRecovery(), await admin.listSites(), await admin.listRuns()]
  return {
    ...recovery,
    restored: recovery.losses.length > 0,
    sites: {
      enrolled: sites.filter(({ state }) => state === 'enrolled').length,
      connected: sites.filter(({ attending }) => attending).length,
    },
    runs: { running: runs.filter(({ state }) => state === 'running').map(({ run }) => run), all: runs.length },
  }
}

function describeStatus(status: Awaited<ReturnType<typeof readStatus>>): string {
  const { federation, epoch, losses, recoveries, sites, runs } = status
  return [
    fields([
      ['federation', federation],
      ['sites', `${sites.connected} of ${sites.enrolled} connected`],
      ['runs', `${runs.running.join(', ') || 'none'} of ${runs.all} going on`],
      ['log', `epoch ${epoch}`],
      ...recoveries.map(({ at, epoch: begun, size }): [string, string] => {
        return ['recovered', `${formatTime(at)} from an old copy (${size} entries), as epoch ${begun}`]
      }),
    ]),
    losses.length > 0 ? `\n${describeLosses(losses)}\n` : '',
  ].join('')
}

function describeLosses(losses: RecoveryView['losses']): string {
  return [
    'THIS COORDINATOR RUNS FROM AN OLD COPY OF ITS HOME FOLDER, and runs nothing until you decide. What is missing:',
    ...losses.map(({ at, text }) => `  ${text} (found ${formatTime(at)})`),
    'Next: coordinator/RECOVER.md. Put a newer copy back if there is one; consilium recover goes on from this one.',
  ].join('\n')
}

function describeCost(view: RecoveryView, readmit: readonly string[]): string {
  const { openRuns, lostRuns, revoked, invited } = view
  const left = view.unknownCertificates.filter((site) => !readmit.includes(site))
  const line = (text: string, names: readonly string[]) => (names.length > 0 ? [`  ${text}: ${names.join(', ')}.`] : [])
  return [
    '',
    'To recover means:',
    '  What happened since the copy was made is lost here for good. Sites keep what they did and saw.',
    ...line('Runs that go on here are ended', openRuns),
    ...line('Runs that only sites know are over, and their names are not used again', lostRuns),
    ...line('Revoked again, by proof', revoked),
    ...line('Let in again with the certificate they showed', readmit),
    ...line('Not let in, for this log does not know their certificate (--readmit, or revoke and add them)', left),
    ...line('Join codes that end', invited),
    '  Means of columns that were first summed since are lost, and sites sum no column twice: new runs on these columns standardise per-site, or the hospitals show them under another name.',
    '  Sites that were revoked since, where no site attends that has proof, have to be revoked again by you.',
    '  A site that saw what is lost works again once its policy or a person there goes along.',
  ].join('\n')
}

function describeDone(
  done: RecoveryView & { readonly readmitted: readonly string[] },
  left: readonly string[],
): string {
  const { federation, epoch, openRuns, revoked, readmitted } = done
  const line = (text: string, names: readonly string[]) => (names.length > 0 ? [`${text}: ${names.join(', ')}.\n`] : [])
  return [
    `${federation} is recovered: epoch ${epoch} of its log begins.\n`,
    ...line('Ended', openRuns),
    ...line('Revoked again', revoked),
    ...line('Readmitted', readmitted),
    ...line('Still out, to be revoked and added again', left),
    'Next: consilium site list and revoke whom you revoked since the copy was made; consilium study list, since studies and decisions of that time are gone; tell the sites, whose people go along with site-agent coordinator accept.\n',
  ].join('')
}

function parseSites(text: string): string[] {
  const sites = text.split(',').map((name) => name.trim())
  if (!sites.every((name) => siteNameSchema.safeParse(name).success))
    throw new InvalidArgumentError('allowed are names of sites, separated by commas.')
  return sites
}
