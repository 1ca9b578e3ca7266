/** `consilium run`: start a run of a study, watch it, fetch the model it made. */
import { roundsMax } from '@consilium/protos/limits.ts'
import { formatBytes } from '@consilium/protos/plain-text.ts'
import { type Command, InvalidArgumentError } from 'commander'
import type { RunView } from '../services.ts'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { outlookText } from './outlook-text.ts'
import { warnOfLosses } from './recover.ts'
import { gapOfLast, meansText, runTable, runText } from './run-text.ts'
import { withAdmin } from './with-admin.ts'

export function addRunCommands(root: Command, context: CommandContext): void {
  const run = root.command('run').description('Runs of a study: rounds of training and evaluation at the hospitals.')
  addPlan(run, context)
  addStart(run, context)
  addWatch(run, context)
  addList(run, context)
  addShow(run, context)
  addCancel(run, context)
  addFinish(run, context)
  addRollback(run, context)
  addExport(run, context)
}

function addPlan(run: Command, context: CommandContext): void {
  run
    .command('plan')
    .description(
      'Says what would become of a run if it were started now, and starts nothing: who is there, which sums would be made, wait, be withheld or refused, the ways out, and which limits of the sites are used up. Exit code 3 where run start would be refused.',
    )
    .argument('<study>', 'its name, its hash, or the first 8 or more digits of it')
    .option('--without <site...>', 'as if these sites were left out of statistics and evaluations')
    .addHelpText(
      'after',
      examples('consilium run plan heart-disease', 'consilium run plan 3f9a01c2 --without va --json'),
    )
    .action(
      action<{ readonly without?: readonly string[] }>(context, async ({ args, home, options, print }) => {
        const outlook = await withAdmin(home, (admin) => admin.planRun(args[0] ?? '', options.without))
        print(outlook, () => outlookText(outlook))
        return outlook.refusals.length === 0 ? exitCodes.ok : exitCodes.refused
      }),
    )
}

function addStart(run: Command, context: CommandContext): void {
  run
    .command('start')
    .description('Starts a run of a study that enough hospitals approved.')
    .argument('<study>', 'its name, its hash, or the first 8 or more digits of it')
    .option('--watch', 'follow the run until it ends, as run watch does')
    .option(
      '--without <site...>',
      'leave these sites out of statistics and evaluations, which otherwise wait for every site that approved; for good',
    )
    .addHelpText(
      'after',
      examples('consilium run start heart-disease --watch', 'consilium run start 3f9a01c2 --without va'),
    )
    .action(
      action<{ readonly watch?: boolean; readonly without?: readonly string[] }>(context, async (invocation) => {
        const { args, home, options, print } = invocation
        const view = await withAdmin(home, (admin) => admin.startRun(args[0] ?? '', options.without))
        if (options.watch) return watch(view.run, invocation)
        print(view, () => `run ${view.run} started${startText(view)}; follow it with consilium run watch ${view.run}\n`)
        return exitCodes.ok
      }),
    )
}

function addWatch(run: Command, context: CommandContext): void {
  run
    .command('watch')
    .description(
      'Follows a run until it ends, also over a restart of the coordinator. With --json one line for each change, the last one final. Exit code 1 where the run failed or was cancelled; Ctrl-C leaves the run going.',
    )
    .argument('<run>', 'the run')
    .addHelpText('after', examples('consilium run watch <run>', 'consilium run watch <run> --json | tail -1'))
    .action(action(context, (invocation) => watch(invocation.args[0] ?? '', invocation)))
}

async function watch(run: string, invocation: Invocation<unknown>): Promise<ExitCode> {
  const { watchRun } = await import('./run-watch.ts')
  const { connectAdmin } = await import('./admin-client.ts')
  return watchRun(() => connectAdmin(invocation.home), run, invocation)
}

function addList(run: Command, context: CommandContext): void {
  run
    .command('list')
    .description('Lists all runs with their newest figures.')
    .addHelpText('after', examples('consilium run list'))
    .action(
      action(context, async ({ home, print, alarm }) => {
        const runs = await withAdmin(home, async (admin) => {
          await warnOfLosses(admin, { alarm })
          return admin.listRuns()
        })
        print(runs, () => runTable(runs))
      }),
    )
}

function addShow(run: Command, context: CommandContext): void {
  run
    .command('show')
    .description('Shows one run: its rounds, its dropouts, the results at each site.')
    .argument('<run>', 'the run')
    .addHelpText('after', examples('consilium run show <run>'))
    .action(
      action(context, async ({ args: [id = ''], home, print }) => {
        const view = await withAdmin(home, (admin) => admin.showRun(id))
        print(view, () => runText(view))
      }),
    )
}

function addCancel(run: Command, context: CommandContext): void {
  run
    .command('cancel')
    .description('Ends a run; what its finished rounds made is kept.')
    .argument('<run>', 'the run')
    .option('--reason <text>', 'why; it is written to the log', 'cancelled by the operator')
    .addHelpText('after', examples('consilium run cancel <run> --reason "wrong learning rate"'))
    .action(
      action<{ readonly reason: string }>(context, async ({ args: [id = ''], home, options, print }) => {
        const view = await withAdmin(home, (admin) => admin.cancelRun(id, options.reason))
        print(view, () => `run ${view.run} is ${view.state}${view.reason ? `: ${view.reason}` : ' already'}\n`)
      }),
    )
}

function addFinish(run: Command, context: CommandContext): void {
  run
    .command('finish')
    .description(
      'Ends a run that has trained all its rounds and waits for sites that the evaluation of its last model lacks: that evaluation stays a gap, for good, and the run is finished.',
    )
    .argument('<run>', 'the run')
    .option('--reason <text>', 'why; it is written to the log', 'ended by the operator')
    .addHelpText('after', examples('consilium run finish <run> --reason "va is closed for the holidays"'))
    .action(
      action<{ readonly reason: string }>(context, async ({ args: [id = ''], home, options, print }) => {
        const view = await withAdmin(home, (admin) => admin.finishRun(id, options.reason))
        print(view, () => `run ${view.run} ends without the evaluation of its last model: ${gapOfLast(view) ?? '-'}\n`)
      }),
    )
}

function addRollback(run: Command, context: CommandContext): void {
  run
    .command('rollback')
    .description(
      "Lets a run that goes on continue from an earlier round's model. The coordinator signs this into the run's log; a hospital goes along only where its policy.yaml says rollback: { accept: true }, and refuses the rounds that follow otherwise.",
    )
    .argument('<run>', 'the run')
    .requiredOption('--round <n>', 'the training round whose model counts again', parseRound)
    .requiredOption('--reason <text>', 'why; it is written to the log')
    .addHelpText('after', examples('consilium run rollback <run> --round 7 --reason "round 8 diverged"'))
    .action(
      action<{ readonly round: number; readonly reason: string }>(context, async (invocation) => {
        const { args, home, options, print } = invocation
        const { round, reason } = options
        const view = await withAdmin(home, (admin) => admin.rollBackRun(args[0] ?? '', round, reason))
        print(view, () => `run ${view.run} goes on from the model of round ${round}\n`)
      }),
    )
}

function parseRound(text: string): number {
  const round = Number(text)
  if (!/^\d+$/.test(text) || round < 1 || round > roundsMax)
    throw new InvalidArgumentError(`allowed are whole numbers from 1 to ${roundsMax}.`)
  return round
}

function addExport(run: Command, context: CommandContext): void {
  run
    .command('export')
    .description(
      'Fetches the model of a run that has trained all its rounds, also while it waits for its last evaluation, as an ONNX file that takes raw features. A fetch that was cut off goes on where it stopped; the hash is checked.',
    )
    .argument('<run>', 'the run')
    .option('--out <file>', 'where to write the model', 'model.onnx')
    .option('--force', 'replace a file that is there')
    .addHelpText('after', examples('consilium run export <run>', 'consilium run export <run> --out heart.onnx'))
    .action(
      action<{ readonly out: string; readonly force?: boolean }>(context, async (invocation) => {
        const { exportModel } = await import('./export-model.ts')
        const { args, home, options, print } = invocation
        const model = await withAdmin(home, (admin) => exportModel(admin, args[0] ?? '', options, invocation))
        print(model, () => `${model.path}: ${formatBytes(model.bytes)}, SHA-256 ${model.sha256}\n`)
      }),
    )
}

function startText(run: RunView): string {
  const means = meansText(run)
  return means && `, with ${means}`
}
