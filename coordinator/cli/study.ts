/** `consilium study`: sign a study and hand it to the coordinator; see what the hospitals decided about it. */
import { canonicalJson } from '@consilium/protos/hash.ts'
import { fields, formatBytes, formatTime, shortHash } from '@consilium/protos/plain-text.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import type { Study } from '@consilium/protos/plan/study.ts'
import type { Command } from 'commander'
import { action, type CommandContext, examples, type Invocation } from './command.ts'
import { bar, table } from './output.ts'
import { standsOutText } from './stands-out-text.ts'
import { addPartnersCommand } from './study-partners.ts'
import type { ShownStudy, StudySummary } from './views.ts'
import { withAdmin } from './with-admin.ts'

export function addStudyCommands(root: Command, context: CommandContext): void {
  const study = root.command('study').description('Studies: what is trained, on which columns, for how long.')
  study
    .command('create')
    .description(
      'Reads a study file, builds or checks its model, signs it with the lead key and uploads it. Hospitals then decide on exactly this.',
    )
    .argument('<study.yaml>', 'the study file; a model path in it is relative to it')
    .requiredOption('--key <file>', 'the lead key (consilium lead create)')
    .option(
      '--from-run <run>',
      'start from the last model of this finished run, in place of the file’s initialParameters',
    )
    .addHelpText(
      'after',
      examples(
        'consilium study create study.yaml --key lead-key.json',
        'consilium study create study.yaml --key lead-key.json --from-run heart-disease-1',
      ),
    )
    .action(action<CreateOptions>(context, createStudy))
  study
    .command('list')
    .description('Lists the studies and how many hospitals approved each.')
    .addHelpText('after', examples('consilium study list'))
    .action(
      action(context, async ({ home, print }) => {
        const studies = await withAdmin(home, (admin) => admin.listStudies())
        print(studies, () => studyTable(studies))
      }),
    )
  study
    .command('show')
    .description('Shows one study with the decision of every hospital.')
    .argument('<study>', 'its hash, the first 8 or more digits of it, or its name')
    .addHelpText('after', examples('consilium study show heart-disease', 'consilium study show 3f9a01c2 --json'))
    .action(
      action(context, async ({ args: [reference = ''], home, print }) => {
        const [view, sites] = await withAdmin(home, async (admin) => {
          return [await admin.showStudy(reference), await admin.listSites()] as const
        })
        print(view, () => `${studyText(view)}${standsOutText(sites, view.hash)}`)
      }),
    )
  addPartnersCommand(study, context)
}

type CreateOptions = { readonly key: string; readonly fromRun?: string }

async function createStudy({ args, home, options, print, json, terminal }: Invocation<CreateOptions>) {
  const { readLeadKey } = await import('./lead-key-file.ts')
  const { makeStudy } = await import('./make-study.ts')
  const { fetchEarlierModel } = await import('./earlier-model.ts')
  const lead = await readLeadKey(options.key)
  const { fromRun } = options
  const [sites, from] = await withAdmin(home, async (admin) => [
    await admin.listSites(),
    fromRun === undefined ? undefined : await fetchEarlierModel(admin, fromRun),
  ])
  const enrolled = sites.filter(({ state }) => state === 'enrolled').length
  const { signed, objects } = await makeStudy(args[0] ?? '', lead, { planned: enrolled }, from)
  const total = objects.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const showProgress = terminal.isLive && !json
  const view = await withAdmin(home, (admin) =>
    admin.createStudy(Buffer.from(JSON.stringify(signed)), objects, (sent) => {
      if (showProgress) terminal.write(`\r${bar(sent, total, 30)} ${formatBytes(sent)} of ${formatBytes(total)}`)
    }),
  )
  if (showProgress) terminal.write('\r\u001b[K')
  print(view, () =>
    [
      fields([
        ['study', view.name],
        ['hash', view.hash],
        ['signed by', view.leadFingerprint],
        ['uploaded', formatBytes(total)],
      ]),
      `The hospitals decide on it now (consilium study show ${view.name}); then: consilium run start ${view.name}\n`,
    ].join('\n'),
  )
}

function studyTable(studies: readonly StudySummary[]): string {
  if (studies.length === 0) return 'No studies yet: consilium study create <study.yaml> --key <lead key>\n'
  const rows = studies.map(({ name, hash, title, decisions, createdAt }) => {
    const approved = decisions.filter(({ decision }) => decision === 'approve').length
    return [name, shortHash(hash), `${approved} of ${decisions.length}`, formatTime(createdAt), title]
  })
  return table(['study', 'hash', 'approved', 'created', 'title'], rows)
}

function studyText(view: ShownStudy): string {
  const { study, layout, graph } = readSignedStudy(canonicalJson(view.signedStudy)).manifest
  const model = study.model.from === 'zoo' ? study.model.name : `ONNX file, ${formatBytes(graph.bytes)}`
  const parameters = layout.reduce((sum, { dims }) => sum + dims.reduce((product, dim) => product * dim, 1), 0)
  const head = fields([
    ['study', view.name],
    ['title', view.title],
    ['hash', view.hash],
    ['signed by', view.leadFingerprint],
    ['created', formatTime(view.createdAt)],
    ['model', `${model}, ${parameters} parameters`],
    ['features', study.features.map(({ name }) => name).join(', ')],
    ['label', `${study.label.name} (${study.label.type})`],
    ['training', `${study.optimizer.name}, ${study.rounds} rounds`],
    ['standardised', study.standardisation],
    ['aggregation', aggregationText(study)],
    ['cohort', `at least ${study.cohort.min}, quorum ${study.cohort.quorum}`],
  ])
  if (view.decisions.length === 0) return `${head}\nNo hospital has decided yet.\n`
  const rows = view.decisions.map(({ site, decision, reason, at }) => [site, decision, formatTime(at), reason || '-'])
  return `${head}\n${table(['site', 'decision', 'at', 'reason'], rows)}`
}

function aggregationText({ aggregation }: Study): string {
  if (aggregation.mode === 'sealed') return 'sealed: the coordinator opens the update of each site'
  return `secure: the coordinator learns sums over sites only; weights ${aggregation.weights}`
}
