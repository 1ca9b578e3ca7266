/** `site-agent egress`: every message that left this site, and whether the ledger is whole. */
import { fields, formatTime, shortHash } from '@consilium/protos/plain-text.ts'
import { type Command, InvalidArgumentError } from 'commander'
import { findStudy } from '../consent.ts'
import { action, type CommandContext, examples } from './command.ts'
import { formatTraffic, table } from './output.ts'
import { withStore } from './with-store.ts'

const lastDefault = 20
const lastMax = 1_000_000

type Options = { readonly study?: string; readonly verify?: boolean; readonly last: number }

export function addEgressCommand(root: Command, context: CommandContext): void {
  root
    .command('egress')
    .description('Shows what has left this site: time, kind, study, bytes and SHA-256 of each message, totals by kind.')
    .option('--study <study>', 'only what left for this study')
    .option('--last <n>', 'how many messages to list', parseLast, lastDefault)
    .option('--verify', 'read the whole ledger and check its hash chain; exit code 1 where it is broken')
    .addHelpText(
      'after',
      examples('site-agent egress', 'site-agent egress --study heart-disease', 'site-agent egress --verify'),
    )
    .action(
      action<Options>(context, (invocation) =>
        withStore(invocation, async (store) => {
          const { study: reference, verify, last } = invocation.options
          const verified = verify ? store.egress.verify() : undefined
          const study = reference === undefined ? undefined : findStudy(reference, store.studies).hash
          const totals = store.egress.totals(study)
          const entries = store.egress.list(last, study)
          invocation.print({ ...(verified && { verified }), totals, entries }, () =>
            [
              table(
                ['time', 'kind', 'study', 'bytes', 'sha256'],
                entries.map(({ at, kind, study, bytes, sha256 }) => [
                  formatTime(at),
                  kind,
                  study === '' ? '-' : shortHash(study),
                  String(bytes),
                  shortHash(sha256),
                ]),
              ),
              '\n',
              fields(totals.map(({ kind, messages, bytes }) => [kind, formatTraffic({ messages, bytes })])),
              verified ? `\nThe ledger is whole: ${verified.entries} entries, head ${verified.head}\n` : '',
            ].join(''),
          )
        }),
      ),
    )
}

function parseLast(text: string): number {
  const last = Number(text)
  if (!/^\d+$/.test(text) || last < 1 || last > lastMax)
    throw new InvalidArgumentError(`allowed are whole numbers from 1 to ${lastMax}.`)
  return last
}
