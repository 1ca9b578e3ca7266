/** `site-agent join`: makes this site's keys and enrols it with the one-time code of the federation's operator. */
import { existsSync, mkdirSync } from 'node:fs'
import { systemClock } from '@consilium/protos/clock.ts'
import { parseJoinCode } from '@consilium/protos/join-code.ts'
import { fields, formatTime } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { readMembership } from '../connect.ts'
import { openSiteStore } from '../store/site-store.ts'
import { action, type CommandContext, examples } from './command.ts'

export function addJoinCommand(root: Command, context: CommandContext): void {
  root
    .command('join')
    .description('Enrols this site. Its private keys are made here and never leave; the code works once.')
    .argument('<code>', 'the join code, or - to read it from standard input, where no process list shows it')
    .addHelpText(
      'after',
      examples('site-agent join consilium-join-1.eyJhZGRyZXNzIjoi...', 'site-agent join - < join-code.txt'),
    )
    .action(
      action(context, async ({ args: [given = ''], state, siteConfigPath, readInput, print }) => {
        const code = parseJoinCode(given === '-' ? await readInput() : given)
        mkdirSync(state, { recursive: true, mode: 0o700 })
        const store = openSiteStore(state)
        try {
          const { joinFederation } = await import('../link/join.ts')
          await joinFederation({ code, state, ledger: store.egress, clock: systemClock })
        } finally {
          store.close()
        }
        const joined = readMembership(state)
        print(joined, () =>
          [
            `This site is ${joined.site} in the federation ${joined.federation}.\n\n`,
            fields([
              ['coordinator', joined.address],
              ['fingerprint', `${joined.fingerprint} (the operator sees the same one)`],
              ['certificate until', `${formatTime(joined.certificateExpiresAt)}, renewed by the running agent`],
              ['keys and database', state],
            ]),
            existsSync(siteConfigPath) ? '' : `\nNext: write ${siteConfigPath}.\n`,
            '\nStart the agent with site-agent run.\n',
          ].join(''),
        )
      }),
    )
}
