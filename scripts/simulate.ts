/** `npm run simulate -- <federation folder>`: a whole federation on this machine, from study.yaml to report.html. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FederationError } from '@consilium/protos/errors.ts'
import { printReport, runCommand } from './simulate/command-line.ts'
import { readFederationFolder } from './simulate/federation-folder.ts'
import { readOutage } from './simulate/outage.ts'
import { progressOn } from './simulate/progress.ts'
import { simulate } from './simulate/simulation.ts'

const usage = `Usage: npm run simulate -- <federation folder> [options]

The folder holds study.yaml and sites/<name>/site.yaml, and optionally data.yaml
({ description, synthetic }), which says what the data are. A coordinator and an
agent per site run as processes of their own, for as long as the study takes.

Options:
  --out <folder>  for model.onnx, report.json, report.html, audit.jsonl, roster.yaml,
                  logs/ (default .simulate)
  --kill <site>@<round>  kills that site's agent while the round collects the updates,
                  and starts it again afterwards
  --keep          leave the coordinator's home and the sites' state where they are
  --json          one JSON object on standard output, everything else on standard error

Exit codes: 0 finished, 1 failed, 2 something in the folder or the command is wrong, 130 interrupted
`

await runCommand(usage, async (args, signal) => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      out: { type: 'string', default: '.simulate' },
      kill: { type: 'string' },
      keep: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  })
  const [folder, ...others] = positionals
  if (folder === undefined || others.length > 0)
    throw new FederationError('invalid-argument', `name one federation folder\n\n${usage}`)
  const json = values.json === true
  const progress = progressOn(json ? process.stderr : process.stdout)
  const federation = await readFederationFolder(folder)
  const out = resolve(values.out)
  const outage = values.kill === undefined ? undefined : readOutage(values.kill, federation.sites)
  printReport(await simulate({ federation, out, keep: values.keep === true, progress, signal, outage }), out, json)
})
