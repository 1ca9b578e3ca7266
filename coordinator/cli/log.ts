/** `consilium log`: read, export and verify the event log. */
import { FederationError } from '@consilium/protos/errors.ts'
import type { LogEntry } from '@consilium/protos/log/entry.ts'
import { formatTime, printable } from '@consilium/protos/plain-text.ts'
import type { Command } from 'commander'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { colored, type Terminal, table } from './output.ts'
import type { LogReport } from './verify-log.ts'

const bodyCharactersMax = 160

type RunOption = { readonly run?: string }

export function addLogCommands(root: Command, context: CommandContext): void {
  const log = root
    .command('log')
    .summary('The event log: show, export, verify.')
    .description(
      'The event log: what the coordinator decided, in hash-chained entries. Read without a coordinator running.',
    )
  log
    .command('verify')
    .description(
      'Verifies the hash chain of every stream and names the first bad entry. Without a file it reads the log in the home folder, changing nothing. Entries cut off at the end show only in the head: compare it with the one in the report, or give it with --head.',
    )
    .argument('[file]', 'an exported log (consilium log export)')
    .option('--run <run>', "only this run's entries")
    .option('--head <hash>', 'with --run: the hash that the last entry must have')
    .option('--bundle <file>', 'an audit bundle (consilium log export --run --out) instead of a log; with --roster')
    .option(
      '--roster <file>',
      "the sites' and the coordinator's keys as the auditor knows them (site-agent roster export)",
    )
    .addHelpText(
      'after',
      examples(
        'consilium log verify',
        'consilium log verify log.ndjson',
        'consilium log verify --run <run> --head <hash>',
        'consilium log verify --bundle heart-1.jsonl --roster roster.yaml',
      ),
    )
    .action(action(context, verify))
  log
    .command('show')
    .description('Prints the entries, one to a line.')
    .option('--run <run>', "only this run's entries")
    .addHelpText('after', examples('consilium log show', 'consilium log show --run <run> --json'))
    .action(action(context, show))
  log
    .command('export')
    .description(
      'Writes every entry as canonical JSON, one to a line: what log verify <file> takes, anywhere. With --run and --out it writes the audit bundle of a run: its log, the messages that its sites signed, the sums that its models are made of, and the signature of the coordinator over it all.',
    )
    .option('--run <run>', "only this run's entries")
    .option('--out <file>', 'with --run: where to write the audit bundle of the run; the coordinator must be running')
    .option('--without-sums', 'with --out: a small bundle, from which no model can be made again')
    .addHelpText(
      'after',
      examples(
        'consilium log export > log.ndjson',
        'consilium log export --run <run> --out heart-1.jsonl',
        'consilium log export --run <run> --out heart-1.jsonl --without-sums',
      ),
    )
    .action(action(context, exportLog))
}

type VerifyOptions = RunOption & { readonly head?: string; readonly bundle?: string; readonly roster?: string }

async function verify(invocation: Invocation<VerifyOptions>): Promise<void> {
  const { args, home, options, print, terminal } = invocation
  const { run, head, bundle, roster } = options
  if (bundle !== undefined || roster !== undefined) {
    if (bundle === undefined || roster === undefined || args.length > 0 || run !== undefined || head !== undefined)
      throw new FederationError('invalid-argument', 'a bundle is verified with --bundle and --roster, and nothing else')
    const { verifyBundleFile } = await import('./audit.ts')
    return verifyBundleFile(invocation, bundle, roster)
  }
  if (head !== undefined && run === undefined)
    throw new FederationError('invalid-argument', '--head goes with --run: each run has a head of its own')
  const { withLog } = await import('./log-source.ts')
  const { verifyLog } = await import('./verify-log.ts')
  const report = await withLog({ home, file: args[0], run }, async ({ name, lines }) => ({
    source: name,
    ...withHead(await verifyLog(lines), head),
  }))
  print(report, () => reportText(report, terminal))
  if (!report.ok) throw new FederationError('log-broken', report.errors.join('\n'))
}

/** The report with a mistake more where the one stream in it ends in another hash. */
function withHead(report: LogReport, head: string | undefined): LogReport {
  const [stream] = report.streams
  if (head === undefined || !report.ok || stream?.head === head) return report
  const error = `stream ${stream?.stream} ends in ${stream?.head}, not in ${head}: entries are missing at its end, or it is another log`
  return { ...report, ok: false, errors: [error] }
}

function reportText(report: LogReport & { readonly source: string }, terminal: Terminal): string {
  const rows = report.streams.map(({ stream, entries, head }) => [stream, String(entries), head ?? 'broken'])
  const verdict = report.ok ? colored(terminal, 'green', 'verified') : colored(terminal, 'red', 'broken')
  const counts = `${report.entries} ${report.entries === 1 ? 'entry' : 'entries'} in ${rows.length} ${rows.length === 1 ? 'stream' : 'streams'}`
  const heads = rows.length > 0 ? `\n${table(['stream', 'entries', 'head'], rows)}` : ''
  return `${report.source}: ${verdict}, ${counts}\n${heads}`
}

async function show({ home, options, json, terminal }: Invocation<RunOption>): Promise<void> {
  const { withLog } = await import('./log-source.ts')
  await withLog({ home, run: options.run }, async ({ lines }) => {
    let isFirst = true
    if (json) terminal.write('[')
    for await (const { where, value } of lines) {
      if (json) terminal.write(`${isFirst ? '' : ',\n'}${JSON.stringify(value ?? null)}`)
      else terminal.write(entryLine(where, value))
      isFirst = false
    }
    if (json) terminal.write(']\n')
  })
}

/** Shows a damaged entry as far as it goes: `log verify` is what judges. */
function entryLine(where: string, value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${printable(where)}: no log entry\n`
  const { at, stream, seq, type, body } = value as Partial<LogEntry>
  const text = printable(JSON.stringify(body) ?? '')
  const shown = text.length > bodyCharactersMax ? `${text.slice(0, bodyCharactersMax)}…` : text
  return `${formatTime(printable(String(at)))}  ${printable(`${stream}#${seq}  ${type}`)}  ${shown}\n`
}

type ExportOptions = RunOption & { readonly out?: string; readonly withoutSums?: boolean }

async function exportLog(invocation: Invocation<ExportOptions>): Promise<void> {
  const { home, options, terminal } = invocation
  if (options.out !== undefined) {
    if (options.run === undefined)
      throw new FederationError('invalid-argument', '--out goes with --run: an audit bundle is of one run')
    const { exportBundle } = await import('./audit.ts')
    return exportBundle(invocation, options.run, { out: options.out, sums: !options.withoutSums })
  }
  if (options.withoutSums)
    throw new FederationError('invalid-argument', '--without-sums goes with --out: the log itself holds no sums')
  const { canonicalJson } = await import('@consilium/protos/hash.ts')
  const { withLog } = await import('./log-source.ts')
  await withLog({ home, run: options.run }, async ({ lines }) => {
    for await (const { value } of lines) terminal.write(`${canonicalJson(value).toString('utf8')}\n`)
  })
}
