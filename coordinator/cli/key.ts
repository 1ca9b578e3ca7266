/** `consilium key`: the coordinator's signing key, which every site pinned when it joined. */
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import type { KeyView } from '../services.ts'
import { action, type CommandContext, examples } from './command.ts'
import { table } from './output.ts'
import { withAdmin } from './with-admin.ts'

export function addKeyCommands(root: Command, context: CommandContext): void {
  const key = root
    .command('key')
    .description("The coordinator's signing key: a site works only for plans that the key it pinned has signed.")
  key
    .command('show')
    .description(
      'Prints the fingerprint, which a site compares with the one in site-agent roster list, and every rotation so far.',
    )
    .addHelpText('after', examples('consilium key show', 'consilium key show --json'))
    .action(
      action(context, async ({ home, print }) => {
        const view = await withAdmin(home, (admin) => admin.showKey())
        print(view, () => describe(view))
      }),
    )
  key
    .command('rotate')
    .description(
      'Makes a new signing key in place of the present one, which signs over to it; the log holds both signatures, and sites follow them by themselves. Refused while a run goes on.',
    )
    .addHelpText('after', examples('consilium key rotate'))
    .action(
      action(context, async ({ home, print }) => {
        const view = await withAdmin(home, (admin) => admin.rotateKey())
        print(view, () => `The coordinator has a new signing key.\n\n${describe(view)}`)
      }),
    )
}

function describe({ fingerprint, rotations }: KeyView): string {
  const rows = rotations.map(({ at, from, to }) => [formatTime(at), from, to])
  return [
    fields([['fingerprint', fingerprint]]),
    ...(rows.length > 0 ? ['\n', table(['rotated', 'from', 'to'], rows)] : []),
  ].join('')
}
