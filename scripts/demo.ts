/** `npm run demo`: four hospitals train a heart-disease model on this machine, on the best data that can be had. */
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FederationError } from '@consilium/protos/errors.ts'
import { heartData, publicOriginals, userCacheFolder } from './demo/heart-data.ts'
import { writeHeartFederation } from './demo/heart-federation.ts'
import { printReport, runCommand } from './simulate/command-line.ts'
import { type FederationFolder, readFederationFolder } from './simulate/federation-folder.ts'
import { type Outage, readOutage } from './simulate/outage.ts'
import { progressOn } from './simulate/progress.ts'
import { simulate } from './simulate/simulation.ts'

const dataChoices = ['auto', 'folder', 'download', 'synthetic'] as const

const usage = `Usage: npm run demo [-- options]

Trains a heart-disease model at four hospitals. The data come from the folder in
CONSILIUM_DATA (it holds heart-disease/), else from the public UCI originals, else,
offline, from a generator; generated data are called synthetic wherever they show.

Options:
  --data <source>  ${dataChoices.join(', ')} (default auto: the first that is there)
  --seed <n>       of the initial parameters and the order of rows (default 0)
  --rounds <n>     (default 15)
  --out <folder>   for federation/, model.onnx, report.json, report.html, audit.jsonl,
                   roster.yaml, logs/ (default .demo)
  --kill <what>    <site>@<round>: kills that site's agent while the round collects the
                   updates, and starts it again afterwards; or none (default: the last
                   site in round 3)
  --keep           leave the coordinator's home and the sites' state where they are
  --json           one JSON object on standard output, everything else on standard error

Exit codes: 0 finished, 1 failed, 2 something in the command is wrong, 130 interrupted
`

await runCommand(usage, async (args, signal) => {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string', default: 'auto' },
      seed: { type: 'string', default: '0' },
      rounds: { type: 'string', default: '15' },
      out: { type: 'string', default: '.demo' },
      kill: { type: 'string' },
      keep: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  })
  const json = values.json === true
  const out = resolve(values.out)
  const progress = progressOn(json ? process.stderr : process.stdout)
  const choice = dataChoice(values.data)
  const study = {
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    rounds: wholeNumber('--rounds', values.rounds, 1, 100_000),
    steps: 100,
  }
  const data = await heartData({
    choice,
    folder: process.env.CONSILIUM_DATA,
    cacheFolder: userCacheFolder(process.env),
    baseUrl: publicOriginals,
    timeoutMs: 5000,
    say: progress.line,
  })
  const folder = join(out, 'federation')
  await writeHeartFederation(folder, data, study)
  const federation = await readFederationFolder(folder)
  progress.line(`Data: ${data.description}.`)
  progress.line(`Federation folder: ${relative(process.cwd(), folder)}`)
  const outage = outageOf(values.kill, federation)
  printReport(await simulate({ federation, out, keep: values.keep === true, progress, signal, outage }), out, json)
})

/** Unless told otherwise, the demo shows what a round does without a site that failed in it. */
function outageOf(text: string | undefined, { sites, study }: FederationFolder): Outage | undefined {
  if (text === 'none') return undefined
  if (text !== undefined) return readOutage(text, sites)
  return study.rounds >= 3 ? { site: sites.at(-1)!.name, round: 3 } : undefined
}

function dataChoice(text: string): (typeof dataChoices)[number] {
  const choice = dataChoices.find((candidate) => candidate === text)
  if (choice) return choice
  throw new FederationError('invalid-argument', `--data ${text}: choose one of ${dataChoices.join(', ')}`)
}

function wholeNumber(option: string, text: string, low: number, high: number): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= low && number <= high) return number
  throw new FederationError('invalid-argument', `${option} takes a whole number from ${low} to ${high}`)
}
