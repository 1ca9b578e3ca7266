/** `consilium lead`: the key with which a research lead signs studies. */
import { fields } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { action, type CommandContext, examples } from './command.ts'

export function addLeadCommands(root: Command, context: CommandContext): void {
  const lead = root
    .command('lead')
    .description('The key with which a research lead signs studies. It stays with the lead.')
  lead
    .command('create')
    .description(
      'Makes an Ed25519 key and prints its fingerprint, which hospitals compare and may approve once for all.',
    )
    .argument('<file>', 'where to write the key; must not exist yet')
    .addHelpText('after', examples('consilium lead create lead-key.json'))
    .action(
      action(context, async ({ args: [file = ''], print }) => {
        const { createLeadKey } = await import('./lead-key-file.ts')
        const { fingerprint } = await import('@consilium/protos/identity.ts')
        const { publicKey } = await createLeadKey(file)
        print({ file, fingerprint: fingerprint(publicKey) }, () =>
          [
            fields([
              ['lead key', file],
              ['fingerprint', fingerprint(publicKey)],
            ]),
            'Keep the file to yourself. Give the fingerprint to the hospitals over a channel they trust.\n',
          ].join('\n'),
        )
      }),
    )
  lead
    .command('show')
    .description('Prints the fingerprint of a lead key.')
    .argument('<file>', 'the key file')
    .addHelpText('after', examples('consilium lead show lead-key.json'))
    .action(
      action(context, async ({ args: [file = ''], print }) => {
        const { readLeadKey } = await import('./lead-key-file.ts')
        const { fingerprint } = await import('@consilium/protos/identity.ts')
        const { publicKey } = await readLeadKey(file)
        print(
          { file, fingerprint: fingerprint(publicKey), publicKey: Buffer.from(publicKey).toString('base64') },
          () => `${fingerprint(publicKey)}\n`,
        )
      }),
    )
}
