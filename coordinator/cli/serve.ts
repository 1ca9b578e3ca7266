/** `consilium serve`: the coordinator itself, until Ctrl-C. */
import { fields } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { action, type CommandContext, examples } from './command.ts'

export function addServeCommand(root: Command, context: CommandContext): void {
  root
    .command('serve')
    .summary('run the coordinator')
    .description(
      'Runs the coordinator on its home folder until Ctrl-C. The first start makes the federation: certificate authority, keys, event log. coordinator.yaml in the home folder sets the addresses.',
    )
    .addHelpText('after', examples('consilium serve', 'consilium serve --home /srv/consilium'))
    .action(
      action(context, async ({ home, interrupted, print }) => {
        const { startCoordinator } = await import('../main.ts')
        const coordinator = await startCoordinator({ home })
        const { federation, siteAddress, adminAddress } = coordinator
        print({ home, federation, siteAddress, adminAddress }, () =>
          [
            'The coordinator is running; Ctrl-C stops it.',
            fields([
              ['federation', federation],
              ['home', home],
              ['sites connect to', siteAddress],
              ['command line', adminAddress],
            ]),
          ].join('\n'),
        )
        try {
          await Promise.race([aborted(interrupted), coordinator.failed])
        } finally {
          await coordinator.stop()
        }
      }),
    )
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
