/** `site-agent run`: the agent itself, until SIGTERM or SIGINT. */
import { type Command, Option } from 'commander'
import { type LogLevel, openLogger } from '../log.ts'
import { action, type CommandContext, examples } from './command.ts'
import { eventPrinter } from './progress.ts'

export function addRunCommand(root: Command, context: CommandContext): void {
  root
    .command('run')
    .description(
      'Attends the coordinator and works in the rounds of approved studies until SIGTERM or SIGINT. It only dials out; whatever is unfinished goes on at the next start.',
    )
    .addOption(new Option('--log-level <level>', 'of the log on standard error').choices(levels).default('info'))
    .addHelpText(
      'after',
      examples(
        'site-agent run',
        'site-agent run --site /srv/consilium --json',
        'https_proxy=http://proxy:3128 site-agent run',
      ),
    )
    .action(
      action<{ readonly logLevel: LogLevel }>(context, async (invocation) => {
        const { site, state, siteConfigPath, json, terminal, options, interrupted } = invocation
        const [{ startAgent }, { readSiteConfig }] = await Promise.all([
          import('../main.ts'),
          import('../data/site-config.ts'),
        ])
        readSiteConfig(siteConfigPath)
        const log = openLogger({ json, level: options.logLevel, write: (text) => terminal.writeError(text) })
        const agent = await startAgent({ site, state, log, onEvent: eventPrinter({ json, terminal, log }) })
        log.info(`site ${agent.name} runs on ${state}; SIGTERM or Ctrl-C stops it`)
        try {
          await Promise.race([agent.ended, aborted(interrupted)])
        } finally {
          await agent.stop()
        }
        log.info('stopped')
      }),
    )
}

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
