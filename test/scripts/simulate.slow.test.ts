/** Whole simulations, as a person starts them: coordinator and agents as processes, from a folder to a report. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAuditRoster } from '@consilium/coordinator/audit/roster.ts'
import { verifyBundle } from '@consilium/coordinator/audit/verify-bundle.ts'
import { chunksOf, linesOf } from '@consilium/coordinator/cli/log-source.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { heartData } from '../../scripts/demo/heart-data.ts'
import { writeHeartFederation } from '../../scripts/demo/heart-federation.ts'
import type { Report, Summary } from '../../scripts/simulate/report.ts'

const root = join(import.meta.dirname, '..', '..')
let folder: string
let federation: string
let out: string
let temporary: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-test-'))
  federation = join(folder, 'federation')
  out = join(folder, 'out')
  temporary = join(folder, 'tmp')
  await mkdir(temporary)
  const data = await heartData({ choice: 'synthetic', cacheFolder: folder, baseUrl: '', timeoutMs: 1, say: () => {} })
  await writeHeartFederation(federation, data, { seed: 1, rounds: 2, steps: 20 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs `simulate`; `onStderr` is told all that it has said so far, and may signal it. */
function simulate(
  args: readonly string[],
  onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [join(root, 'scripts', 'simulate.ts'), federation, '--out', out, ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    onStderr(stderr, (signal) => child.kill(signal))
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })))
}

/** Command lines of processes that name this test's folder; none where there is no /proc. */
async function processesLeft(): Promise<string[]> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return lines.filter((line) => line.includes(folder)).map((line) => line.replaceAll('\0', ' '))
}

async function nothingIsLeft(): Promise<void> {
  expect(await readdir(temporary)).toEqual([])
  expect(await processesLeft()).toEqual([])
}

test('a federation folder becomes a model and a report, and nothing is left running', async () => {
  const { code, stdout, stderr } = await simulate(['--json'])
  expect(code, stderr).toBe(0)
  const summary = JSON.parse(stdout) as Summary
  expect(Object.keys(summary)).toEqual([
    'study',
    'data',
    'aggregation',
    'rounds',
    'final',
    'model',
    'logHead',
    'seconds',
  ])
  expect(summary.aggregation).toBe('secure')
  const sites = ['synthetic-a', 'synthetic-b', 'synthetic-c', 'synthetic-d']
  expect(summary.study).toBe('heart-disease-synthetic')
  expect(summary.data).toMatch(/^SYNTHETIC/)
  expect(summary.rounds.map(({ round, survivors }) => ({ round, survivors }))).toEqual([
    { round: 1, survivors: sites },
    { round: 2, survivors: sites },
  ])
  // Under masks the result of a single site is nobody's but its own.
  expect(summary.final.perSite).toEqual({})
  expect(summary.final.meanSiteAccuracy).toBeGreaterThan(0.6)
  expect(summary.final.auroc).toBeGreaterThan(0.7)
  expect(summary.rounds[1]!.uploadBytes).toBeGreaterThan(0)
  expect(stderr).toContain('round 2/2')

  const model = await readFile(summary.model.path)
  expect(createHash('sha256').update(model).digest('hex')).toBe(summary.model.sha256)
  const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Report
  expect(report.final).toEqual(summary.final)
  expect(report.fingerprints.coordinator).toMatch(/^SHA256:/)
  expect(Object.keys(report.fingerprints.sites)).toEqual(sites)
  for (const { secure } of report.rounds)
    expect(secure).toEqual({ sites: 4, colluders: 1, threshold: 3, survivorsMin: 3, confirmed: expect.any(Array) })
  const roster = readAuditRoster('roster.yaml', await readFile(join(out, 'roster.yaml')))
  expect(Object.keys(roster.sites)).toEqual(sites)
  // A simulation waits no week for the last evaluation, and says so in the study that it signs.
  expect(await readFile(join(out, 'audit.jsonl'), 'utf8')).toContain('makeUpMs\\":60000')
  expect(await verifyBundle(linesOf(chunksOf(join(out, 'audit.jsonl'))), roster)).toMatchObject({
    ok: true,
    state: 'finished',
    entries: report.audit.entries,
    root: report.audit.root,
  })
  const page = await readFile(join(out, 'report.html'), 'utf8')
  expect(page).toContain(summary.model.sha256)
  expect(page).toContain('class="banner"')
  await nothingIsLeft()
})

test('a site whose data do not fit is named with the reason, and the others go on', async () => {
  const records = join(federation, 'sites', 'synthetic-d', 'synthetic-d.data')
  const [first = '', ...rest] = (await readFile(records, 'utf8')).split('\n')
  await writeFile(records, [first.replace(/^\d+/, 'unknown'), ...rest].join('\n'))
  const { code, stdout, stderr } = await simulate(['--json'])
  expect(code, stderr).toBe(0)
  const summary = JSON.parse(stdout) as Summary
  for (const { survivors } of summary.rounds) expect(survivors).toEqual(['synthetic-a', 'synthetic-b', 'synthetic-c'])
  const { refusals } = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Report
  expect(refusals).toEqual([{ site: 'synthetic-d', reason: expect.stringMatching(/^data-not-ready: /) }])
  await nothingIsLeft()
})

test('Ctrl-C in the middle ends every process and takes the state away', async () => {
  let interrupted = false
  const { code, stdout, stderr } = await simulate(['--json'], (text, kill) => {
    if (interrupted || !text.includes('the run starts')) return
    interrupted = true
    kill('SIGINT')
  })
  expect(code).toBe(130)
  expect(stdout).toBe('')
  expect(stderr).toContain('Interrupted')
  await nothingIsLeft()
})

test('a folder that is none is refused before anything starts', async () => {
  await rm(join(federation, 'study.yaml'))
  const { code, stderr } = await simulate([])
  expect(code).toBe(2)
  expect(stderr).toMatch(/study\.yaml cannot be read/)
  expect(await readdir(folder)).not.toContain('out')
})

test('a model that cannot be read is the lead’s mistake, not a failed run', async () => {
  const study = join(federation, 'study.yaml')
  await writeFile(join(federation, 'mine.onnx'), 'not a model')
  await writeFile(
    study,
    (await readFile(study, 'utf8')).replace(/^model:.*$/m, 'model: { from: onnx, path: mine.onnx }'),
  )
  const { code, stderr } = await simulate([])
  expect(stderr).toContain('mine.onnx: ')
  expect(code).toBe(2)
  await nothingIsLeft()
})
