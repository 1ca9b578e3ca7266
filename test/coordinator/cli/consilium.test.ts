/** The command line against a real admin port: what each command says, its JSON, its exit code. */
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectAdmin } from '@consilium/coordinator/cli/admin-client.ts'
import { decodeModel } from '@consilium/models/onnx/codec.ts'
import { FederationError } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { readSignedStudy } from '@consilium/protos/plan/signed-study.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { aStudy } from '../../support/a-study.ts'
import { type AdminFixture, consilium, consiliumOn, startAdminFixture } from '../../support/admin-fixture.ts'
import { anOutlook, aRound, aRun, modelBytes, modelSha256, runStates, secureRunStates } from './runs.ts'

let fixture: AdminFixture
let folder: string
const inFolder = (name: string) => join(folder, name)

beforeAll(async () => {
  fixture = await startAdminFixture()
  folder = await mkdtemp(join(tmpdir(), 'consilium-lead-'))
})
afterAll(async () => {
  await fixture.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  const { sites, studies, runs, objects, fetchOffsets } = fixture.service
  for (const collection of [sites, runs, objects]) collection.clear()
  studies.length = 0
  fetchOffsets.length = 0
  fixture.service.cutFetchAfter = undefined
  fixture.service.studyRefusal = undefined
})

describe('consilium site', () => {
  test('add prints the join code and the command to run at the hospital', async () => {
    const { code, stdout } = await fixture.consilium('site', 'add', 'basel', '--valid-minutes', '60')
    expect(code).toBe(0)
    expect(stdout).toContain('until 2026-11-05 13:00:00 UTC')
    expect(stdout).toContain('  site-agent join consilium-join-1.YmFzZWw\n')
  })

  test('add with --json prints one document', async () => {
    const { stdout } = await fixture.consilium('site', 'add', 'basel', '--json')
    expect(JSON.parse(stdout)).toEqual({
      name: 'basel',
      joinCode: 'consilium-join-1.YmFzZWw',
      expiresAt: '2026-11-06T12:00:00.000Z',
    })
  })

  test('add passes the refusal of the coordinator on, with its code', async () => {
    await fixture.consilium('site', 'add', 'basel')
    const again = await fixture.consilium('site', 'add', 'basel')
    expect(again).toEqual({ code: 3, stdout: '', stderr: 'error[already-exists]: site basel was added before\n' })
    const asJson = await fixture.consilium('site', 'add', 'basel', '--json')
    expect(JSON.parse(asJson.stderr)).toEqual({
      error: { code: 'already-exists', message: 'site basel was added before' },
    })
  })

  test('list shows state, connection and fingerprint of each site', async () => {
    expect((await fixture.consilium('site', 'list')).stdout).toContain('No sites yet')
    fixture.service.sites.set('basel', {
      name: 'basel',
      state: 'enrolled',
      attending: true,
      fingerprint: 'SHA256:abc',
      certificateExpiresAt: '2027-01-01T00:00:00.000Z',
      joinedAt: '2026-11-05T12:00:00.000Z',
      revokedReason: '',
      standsOut: [{ studyHash: 'ab'.repeat(32), studyName: 'heart', purpose: 'evaluate', code: 'site-fault' }],
    })
    const { stdout } = await fixture.consilium('site', 'list')
    expect(stdout).toMatch(/^site +state +agent +fingerprint +certificate until +revoked because$/m)
    expect(stdout).toMatch(/^basel +enrolled +connected +SHA256:abc +2027-01-01 00:00:00 UTC +-$/m)
    expect(stdout).toContain('basel takes no part in the evaluations of study heart: site-fault: ')
    expect(JSON.parse((await fixture.consilium('site', 'list', '--json')).stdout)).toEqual([
      fixture.service.sites.get('basel'),
    ])
  })

  test('revoke needs a reason and says that it is done', async () => {
    await fixture.consilium('site', 'add', 'basel')
    expect((await fixture.consilium('site', 'revoke', 'basel')).code).toBe(2)
    const { code, stdout } = await fixture.consilium('site', 'revoke', 'basel', '--reason', 'left')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'basel is revoked: left\n' })
    expect((await fixture.consilium('site', 'revoke', 'bern', '--reason', 'left')).code).toBe(3)
  })
})

describe('consilium lead', () => {
  test('create writes a key that only its owner may read, and show prints the same fingerprint', async () => {
    const created = await consilium('lead', 'create', inFolder('lead.json'), '--json')
    const { fingerprint } = JSON.parse(created.stdout) as { readonly fingerprint: string }
    expect(fingerprint).toMatch(/^SHA256:/)
    expect((await stat(inFolder('lead.json'))).mode & 0o777).toBe(0o600)
    expect((await consilium('lead', 'show', inFolder('lead.json'))).stdout).toBe(`${fingerprint}\n`)
    expect(created.stdout).not.toContain(
      (JSON.parse(readFileSync(inFolder('lead.json'), 'utf8')) as { seed: string }).seed,
    )
  })

  test('create never overwrites a key', async () => {
    await writeFile(inFolder('kept.json'), 'kept')
    const { code, stderr } = await consilium('lead', 'create', inFolder('kept.json'))
    expect(code).toBe(3)
    expect(stderr).toContain('error[already-exists]')
    expect(await readFile(inFolder('kept.json'), 'utf8')).toBe('kept')
  })

  test.for([
    ['is not there', async () => rm(inFolder('bad.json'), { force: true }), 'cannot be read'],
    ['is no JSON', async () => writeFile(inFolder('bad.json'), 'seed', { mode: 0o600 }), 'is no lead key'],
    ['holds keys that do not belong together', async () => writeSwappedKey(), 'do not belong together'],
    ['others may read', async () => chmod(inFolder('bad.json'), 0o644), 'chmod 600'],
  ] as const)('show refuses a key that %s', async ([, prepare, message]) => {
    await prepare()
    const { code, stderr } = await consilium('lead', 'show', inFolder('bad.json'))
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  async function writeSwappedKey(): Promise<void> {
    await rm(inFolder('bad.json'), { force: true })
    await consilium('lead', 'create', inFolder('bad.json'))
    const key = JSON.parse(await readFile(inFolder('bad.json'), 'utf8')) as object
    const other = Buffer.alloc(32, 1).toString('base64')
    await writeFile(inFolder('bad.json'), JSON.stringify({ ...key, publicKey: other }))
  }
})

describe('consilium study', () => {
  const enrolled = ['basel', 'cleveland', 'hungary', 'zurich']
  beforeAll(async () => {
    await consilium('lead', 'create', inFolder('study-lead.json'))
  })
  beforeEach(() => {
    const none = { fingerprint: '', certificateExpiresAt: '', joinedAt: '', revokedReason: '', standsOut: [] }
    for (const name of enrolled) fixture.service.sites.set(name, { name, state: 'enrolled', attending: false, ...none })
  })
  const create = (...more: readonly string[]) =>
    fixture.consilium('study', 'create', inFolder('study.yaml'), '--key', inFolder('study-lead.json'), ...more)

  test('create plans the study for the sites enrolled, and says what to write where those are too few', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy))
    const planned = async () => {
      expect(await create('--json')).toMatchObject({ code: 0, stderr: '' })
      return readSignedStudy(fixture.service.studies.pop()!.signedStudy).manifest.study.cohort
    }
    expect(await planned()).toEqual({ planned: 4, min: 3, quorum: 3 })
    const left = fixture.service.sites.get('zurich')!
    fixture.service.sites.set('zurich', { ...left, state: 'revoked' })
    expect(await planned()).toEqual({ planned: 3, min: 3, quorum: 3 })
    fixture.service.sites.delete('hungary')
    const { code, stderr } = await create()
    expect(code).toBe(2)
    expect(stderr).toMatch(/cohort\.planned: .*at least 3: it is 2/)
  })

  test('create signs the study, uploads graph and initial parameters, and keeps the key', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy))
    const { code, stdout } = await create('--json')
    expect(code).toBe(0)
    const [study] = fixture.service.studies
    const fingerprint = (await consilium('lead', 'show', inFolder('study-lead.json'))).stdout.trim()
    expect(JSON.parse(stdout)).toMatchObject({ hash: study?.hash, name: 'heart-disease', leadFingerprint: fingerprint })
    const { graph, initialParameters, layout } = readSignedStudy(study!.signedStudy).manifest
    expect(layout).toEqual([
      { name: 'linear.weight', dims: [5, 1] },
      { name: 'linear.bias', dims: [1] },
    ])
    expect(decodeModel(fixture.service.objects.get(graph.sha256)!).graph.nodes).toHaveLength(1)
    expect(fixture.service.objects.get(initialParameters.sha256)).toEqual(Buffer.alloc(24))
    expect(fixture.service.objectBytes).toEqual([graph.bytes, initialParameters.bytes])
  })

  test('create sends a model larger than a chunk whole', async () => {
    const model = { from: 'zoo', name: 'multi-layer-perceptron', hidden: [600, 600] }
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, model }))
    expect((await create()).code).toBe(0)
    const { graph, initialParameters } = readSignedStudy(fixture.service.studies[0]!.signedStudy).manifest
    expect(initialParameters.bytes).toBe(4 * (5 * 600 + 600 + 600 * 600 + 600 + 600 + 1))
    expect(fixture.service.objects.get(graph.sha256)?.length).toBe(graph.bytes)
  })

  test('create ends at once where the coordinator refuses before it has read the model', async () => {
    const model = { from: 'zoo', name: 'multi-layer-perceptron', hidden: [1500, 1500] }
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, model }))
    fixture.service.studyRefusal = new FederationError('already-exists', 'study heart-disease is there already')
    const { code, stderr } = await create()
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'error[already-exists]: study heart-disease is there already\n',
    })
  })

  test('create takes an ONNX file beside the study, with its own parameters', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy))
    await create()
    const { graph } = readSignedStudy(fixture.service.studies[0]!.signedStudy).manifest
    await writeFile(inFolder('net.onnx'), fixture.service.objects.get(graph.sha256)!)
    const study = { ...aStudy, model: { from: 'onnx', path: 'net.onnx' }, initialParameters: 'from-model' }
    await writeFile(inFolder('study.yaml'), stringify(study))
    expect(await create()).toMatchObject({ code: 0, stderr: '' })
    expect(readSignedStudy(fixture.service.studies[1]!.signedStudy).manifest.graph).toEqual(graph)
  })

  test('create --from-run starts where a finished run ended, and refuses a run that goes on and a model that is another', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy))
    await create()
    const [first] = fixture.service.studies
    const { manifest } = readSignedStudy(first!.signedStudy)
    const model = Buffer.alloc(manifest.initialParameters.bytes, 1)
    const parametersSha256 = sha256Hex(model)
    fixture.service.objects.set(parametersSha256, model)
    const ended = aRun({ studyHash: first!.hash, state: 'finished', parametersSha256 })
    fixture.service.runs.set('heart-1', [ended])
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, name: 'goes-on' }))
    expect(await create('--from-run', 'heart-1')).toMatchObject({ code: 0, stderr: '' })
    const made = readSignedStudy(fixture.service.studies[1]!.signedStudy).manifest
    expect(made.study.initialParameters).toEqual({ run: 'heart-1' })
    expect(made.initialParameters).toEqual({ sha256: parametersSha256, bytes: model.length })

    const { state: _, ...going } = ended
    fixture.service.runs.set('heart-2', [{ ...going, run: 'heart-2', state: 'running' }])
    const early = await create('--from-run', 'heart-2')
    expect(early).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('error[stale-round]: run heart-2 is running'),
    })
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, features: aStudy.features.slice(0, 2) }))
    const other = await create('--from-run', 'heart-1')
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('error[shape-mismatch]: run heart-1') })
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, initialParameters: { run: 'heart-1' } }))
    expect(await create()).toMatchObject({ code: 2, stderr: expect.stringContaining('--from-run heart-1') })
    expect(fixture.service.studies).toHaveLength(2)
  })

  test('create names line, column and path of a mistake and uploads nothing', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy).replace('rounds: 15', 'rounds: many'))
    const line = stringify(aStudy).split('\n').indexOf('rounds: 15') + 1
    const { code, stderr } = await create()
    expect(code).toBe(2)
    expect(stderr).toContain(
      `error[invalid-study]: study.yaml has one mistake:\n  study.yaml:${line}:9 rounds: expected number`,
    )
    expect(fixture.service.studies).toEqual([])
  })

  test.for([
    ['a model file that is not there', { path: 'nowhere.onnx' }, 'error[invalid-onnx]: cannot read'],
    ['a model file that is cut off', { path: 'cut.onnx' }, 'error[invalid-onnx]: cut.onnx: '],
    [
      'a model for other columns',
      { path: 'net.onnx', drop: true },
      'error[shape-mismatch]: net.onnx: the model takes rows of shape [5]',
    ],
    ['a frozen tensor that the model has not', { path: 'net.onnx', frozen: ['nothing'] }, 'error[invalid-argument]'],
    ['nothing left to train', { path: 'net.onnx', frozen: ['linear.weight', 'linear.bias'] }, 'nothing to train'],
  ] as const)('create refuses %s', async ([, change, message]) => {
    await writeFile(inFolder('cut.onnx'), readFileSync(inFolder('net.onnx')).subarray(0, 60))
    const { path, frozen = [], drop } = { frozen: undefined, drop: false, ...change }
    const features = drop ? aStudy.features.slice(0, 2) : aStudy.features
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, features, model: { from: 'onnx', path, frozen } }))
    const { code, stderr } = await create()
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(fixture.service.studies).toEqual([])
  })

  test('create without a readable key does not read the study', async () => {
    const { code, stderr } = await fixture.consilium('study', 'create', 'nowhere.yaml', '--key', inFolder('no.json'))
    expect(code).toBe(2)
    expect(stderr).toContain('the lead key cannot be read')
  })

  test('list counts approvals and show prints every decision', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy))
    await create()
    const decision = { site: 'basel', decision: 'approve', reason: '', at: '2026-11-05T12:00:00.000Z' }
    const refusal = { ...decision, site: 'bern', decision: 'reject', reason: 'no age column' }
    fixture.service.studies[0] = { ...fixture.service.studies[0]!, decisions: [decision, refusal] }
    expect((await fixture.consilium('study', 'list')).stdout).toMatch(/^heart-disease +[0-9a-f]{12} +1 of 2 /m)
    const { stdout } = await fixture.consilium('study', 'show', 'heart-disease')
    expect(stdout).toMatch(/^model +logistic-regression, 6 parameters$/m)
    expect(stdout).toMatch(/^aggregation +secure: the coordinator learns sums over sites only; weights bucket$/m)
    expect(stdout).toMatch(/^bern +reject +2026-11-05 12:00:00 UTC +no age column$/m)
    const shown = JSON.parse((await fixture.consilium('study', 'show', 'heart-disease', '--json')).stdout) as {
      readonly signedStudy: unknown
    }
    expect(shown.signedStudy).toEqual(JSON.parse(Buffer.from(fixture.service.studies[0]!.signedStudy).toString()))
    expect((await fixture.consilium('study', 'show', 'nothing')).code).toBe(3)
  })

  test('partners shows who is among them, signs a change with the lead key, and says whom it waits for', async () => {
    await writeFile(inFolder('study.yaml'), stringify(aStudy))
    await create()
    const partners = (...more: readonly string[]) => fixture.consilium('study', 'partners', 'heart-disease', ...more)
    const key = ['--key', inFolder('study-lead.json')]
    expect((await partners()).stdout).toMatch(/^Nobody has settled on partners of study heart-disease yet/)
    expect(await partners('--without', 'zurich', ...key)).toMatchObject({ code: 3 })
    const set = { purpose: 'evaluate', sites: enrolled } as const
    fixture.service.studies[0] = { ...fixture.service.studies[0]!, partners: [set] }
    expect((await partners()).stdout).toMatch(/^evaluate +basel, cleveland, hungary, zurich$/m)
    for (const wrong of [
      ['--without', 'zurich'],
      ['--without', 'bern', ...key],
      ['--with', 'basel', ...key],
      ['--restored', 'basel', ...key],
      ['--restored', 'basel', '--epoch', '1', ...key],
      ['--without', 'zurich', '--purpose', 'train', ...key],
    ])
      expect(await partners(...wrong)).toMatchObject({ code: 2 })
    expect(fixture.service.studies[0]!.partnerChanges).toEqual([])

    const { stdout } = await partners('--without', 'zurich', '--with', 'aarau', ...key)
    expect(stdout).toMatch(/^Change 1 of .*: without zurich, with aarau; awaits basel$/m)
    expect(stdout).toMatch(/^zurich did not sign that it leaves \(site-agent study withdraw\)/m)
    const { change } = fixture.service.studies[0]!.partnerChanges[0]!
    expect(JSON.parse(Buffer.from(change).toString())).toMatchObject({
      study: fixture.service.studies[0]!.hash,
      number: 1,
      sets: [{ purpose: 'evaluate', before: enrolled, after: ['aarau', 'basel', 'cleveland', 'hungary'] }],
    })
    await consilium('lead', 'create', inFolder('other-lead.json'))
    expect(await partners('--without', 'zurich', '--key', inFolder('other-lead.json'))).toMatchObject({ code: 3 })
    await partners('--restored', 'basel', '--epoch', '2', ...key)
    const restored = JSON.parse((await partners('--json')).stdout).partnerChanges.at(-1).change
    expect(restored).toMatchObject({ number: 2, restored: { site: 'basel', epoch: 2 } })
  })

  test('show of a sealed study says that the coordinator opens single updates', async () => {
    await writeFile(inFolder('study.yaml'), stringify({ ...aStudy, aggregation: { mode: 'sealed' } }))
    await create()
    expect((await fixture.consilium('study', 'show', 'heart-disease')).stdout).toMatch(
      /^aggregation +sealed: the coordinator opens the update of each site$/m,
    )
  })
})

describe('consilium run', () => {
  beforeEach(() => {
    fixture.service.runs.set('heart-1', runStates())
    fixture.service.objects.set(modelSha256, modelBytes)
  })

  test('start names the run, and passes on that too few sites approved', async () => {
    expect((await fixture.consilium('run', 'start', 'heart-disease')).stdout).toContain('consilium run watch heart-1')
    const { code, stderr } = await fixture.consilium('run', 'start', 'other')
    expect(code).toBe(3)
    expect(stderr).toBe('error[study-unapproved]: study other is approved by 2 sites, it needs 3\n')
  })

  test('plan says what a run would come to, with the ways out, and exits 3 where run start would be refused', async () => {
    fixture.service.outlooks.set('heart-disease', anOutlook)
    const args = ['run', 'plan', 'heart-disease', '--without', 'basel', 'bern'] as const
    const { code, stdout } = await fixture.consilium(...args)
    expect(code).toBe(0)
    expect(fixture.service.outlookWithout).toEqual(['basel', 'bern'])
    expect(stdout).toMatchInlineSnapshot(`
      "study        heart-disease (3f3f3f3f3f3f)
      run start    would start a run; nothing was started
      aggregation  secure
      thresholds   planned for 4 sites: sums over at least 3 of the 3 sites that are here, up to 1 of which may work with the coordinator (c = 1, m = 3, t = 3)
      means        of age, chol taken from run stroke-1

      site    study        agent                                        statistics  evaluations
      basel   approved     connected                                             -  partner
      va      approved     not connected since 2026-11-05 11:00:00 UTC           -  partner
      zurich  no decision  not connected                                         -  -

      The sums it would ask for, as the sites stand now
        train: would be made among basel
        evaluate: WITHHELD among basel, va; va is missing
          va: not connected since 2026-11-05T11:00:00.000Z
          way out: wait until va is there

      Limits of the sites, where their policies have the defaults
        approve.runsMax  5 of 5, USED UP at basel: runs of this study
      "
    `)
    expect(JSON.parse((await fixture.consilium(...args, '--json')).stdout)).toEqual(anOutlook)

    const refusals = [{ code: 'cohort-differencing', reason: 'va is missing now', waysOut: ['wait'] }] as const
    fixture.service.outlooks.set('again', { ...anOutlook, refusals })
    const refused = await fixture.consilium('run', 'plan', 'again')
    expect(refused.code).toBe(3)
    expect(refused.stdout).toContain('  cohort-differencing: va is missing now\n    way out: wait\n')
  })

  test('watch prints a line for each thing that happened where there is no terminal', async () => {
    const { code, stdout } = await fixture.consilium('run', 'watch', 'heart-1')
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'run heart-1 of heart-disease: running, 2 rounds planned',
        'round 1  train: work, 3 sites',
        'round 1  train: collect updates, 3 sites',
        'round 1  loss 0.5000  AUROC 0.8100  accuracy 0.7500  3 of 3 sites  12.3 kB  0.40 s',
        'round 2  train: work, 3 sites',
        'round 2  long-beach dropped out (train, work): no progress for 600 s',
        'round 2  loss 0.5000  AUROC 0.8200  accuracy 0.7500  2 of 3 sites  12.3 kB  0.40 s',
        `run heart-1 finished, model ${modelSha256}`,
        '',
      ].join('\n'),
    )
  })

  test('a run that waits for a site says for whom and until when; finish ends it, and its model is there before', async () => {
    const awaited = { answers: 1, sites: ['va'], because: 'partners', until: '2026-11-12T12:00:00.000Z' } as const
    const current = { round: 2, purpose: 'evaluate', phase: 'recruit', sites: [], awaited } as const
    fixture.service.runs.set('heart-1', [aRun({ rounds: [aRound(1), aRound(2)], current })])
    const waits = 'running, waits for va until 2026-11-12 12:00:00 UTC'
    expect((await fixture.consilium('run', 'list')).stdout).toContain(`heart-disease  ${waits}`)
    expect((await fixture.consilium('run', 'show', 'heart-1')).stdout).toMatch(
      /^now +round 2, evaluate: recruit, waiting for va until 2026-11-12 12:00:00 UTC: evaluations are among all of their sites$/m,
    )
    const finished = await fixture.consilium('run', 'finish', 'heart-1', '--reason', 'va is closed')
    expect(finished.stdout).toBe(
      'run heart-1 ends without the evaluation of its last model: evaluation withheld: va is closed\n',
    )
    fixture.service.runs.set('heart-1', [aRun({ rounds: [aRound(1)] })])
    expect((await fixture.consilium('run', 'finish', 'heart-1')).code).toBe(3)
  })

  test('watch with --json prints one line for each change, the last one final', async () => {
    const { stdout } = await fixture.consilium('run', 'watch', 'heart-1', '--json')
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(runStates())
  })

  test('watch redraws on a terminal: bars while sites work, the rounds, the result at each site', async () => {
    const { stdout } = await consiliumOn({ isLive: true }, '--home', fixture.home, 'run', 'watch', 'heart-1')
    expect(stdout.split('\u001b[J')).toHaveLength(5)
    expect(stdout).toMatch(/basel {7}█{8}░{32} {2}working {2}20 %/)
    const last = stdout.slice(stdout.lastIndexOf('\u001b[J'))
    expect(last).toMatch(/^ {4}1 +3\/3 +0\.5500 +0\.5000 +0\.8100 +0\.7500 +12\.3 kB +0\.40 s$/m)
    expect(last).toMatch(/^basel +50 +0\.5000 +0\.9000 +0\.8000$/m)
  })

  test('watch of a secure run tells each phase, whom it waits for, and no result of a single site', async () => {
    fixture.service.runs.set('heart-1', secureRunStates())
    expect((await fixture.consilium('run', 'watch', 'heart-1')).stdout.split('\n')).toEqual([
      'run heart-1 of heart-disease: running, 1 rounds planned',
      'round 1  train: work, 4 sites',
      'round 1  train: advertise keys, 4 sites',
      'round 1  train: share keys, 4 sites',
      'round 1  train: collect updates, 4 sites',
      'round 1  train: confirm survivors, waiting for 3 more of basel, budapest, geneva',
      'round 1  train: unmask, open until 1 more of budapest, geneva reveal their shares',
      'round 1  train: commit, 4 sites',
      'round 1  long-beach dropped out (train, collect updates): no progress for 300 s',
      'round 1  loss 0.5000  AUROC 0.8100  accuracy 0.7500  3 of 4 sites  12.3 kB  0.40 s',
      `run heart-1 finished, model ${modelSha256}`,
      '',
    ])
  })

  test('show of a secure run names its thresholds, what it waits for, and the mean over the sites', async () => {
    const states = secureRunStates()
    fixture.service.runs.set('heart-1', states.slice(0, 6))
    expect((await fixture.consilium('run', 'show', 'heart-1')).stdout).toMatch(
      /^now +round 1, train: unmask, open until 1 more of budapest, geneva reveal their shares$/m,
    )
    fixture.service.runs.set('heart-1', states)
    const { stdout } = await fixture.consilium('run', 'show', 'heart-1')
    expect(stdout).toMatch(/^aggregation +secure: sums over at least 3 of 4 sites, of which 1 may collude/m)
    expect(stdout).toContain('The results of single sites stay at the sites. Accuracy, mean over the sites: 0.7125.')
    expect(stdout).toMatch(/site mean[\s\S]*0\.7125/)
    expect(stdout).not.toContain('test rows')
    expect(JSON.parse((await fixture.consilium('run', 'show', 'heart-1', '--json')).stdout)).toEqual(states.at(-1))
  })

  test('show of a sealed run says that the coordinator opens single updates, and has a row for each site', async () => {
    const { stdout } = await fixture.consilium('run', 'show', 'heart-1')
    expect(stdout).toMatch(/^aggregation +sealed: the coordinator opens the update of each site$/m)
    expect(stdout).toMatch(/^basel +50 +0\.5000 +0\.9000 +0\.8000$/m)
  })

  test('start --watch follows the run it started', async () => {
    const { code, stdout } = await fixture.consilium('run', 'start', 'heart-disease', '--watch')
    expect(code).toBe(0)
    expect(stdout).toContain('run heart-1 finished')
  })

  test.for(['failed', 'cancelled'] as const)('watch of a run that %s ends with exit code 1', async (state) => {
    fixture.service.runs.set('heart-1', [aRun({ state, reason: 'the quorum of 3 was lost' })])
    const { code, stdout } = await fixture.consilium('run', 'watch', 'heart-1')
    expect(code).toBe(1)
    expect(stdout).toContain(`run heart-1 ${state}: the quorum of 3 was lost`)
  })

  test('watch ends at Ctrl-C with exit code 130 and says that the run goes on', async () => {
    fixture.service.runs.set('heart-1', runStates().slice(0, 2))
    const controller = new AbortController()
    const terminal = { interrupted: controller.signal, onWrite: () => controller.abort() }
    const { code, stdout, stderr } = await consiliumOn(terminal, '--home', fixture.home, 'run', 'watch', 'heart-1')
    expect(stdout).toContain('run heart-1 of heart-disease: running')
    expect(code).toBe(130)
    expect(stderr).toContain('the run goes on')
  })

  test('list, show and cancel', async () => {
    expect((await fixture.consilium('run', 'list')).stdout).toMatch(
      /^heart-1 +heart-disease +finished +2 of 2 +0\.8200 +0\.7500 +2026-11-05 12:00:00 UTC$/m,
    )
    const shown = await fixture.consilium('run', 'show', 'heart-1')
    expect(shown.stdout).toMatch(/^round 2 {2}long-beach dropped out \(train, work\): no progress for 600 s$/m)
    expect(JSON.parse((await fixture.consilium('run', 'show', 'heart-1', '--json')).stdout)).toEqual(runStates().at(-1))
    expect((await fixture.consilium('run', 'cancel', 'heart-1', '--reason', 'wrong rate')).stdout).toBe(
      'run heart-1 is cancelled: wrong rate\n',
    )
    expect((await fixture.consilium('run', 'show', 'heart-2')).code).toBe(3)
  })

  test('export writes the model once its hash is right', async () => {
    const out = inFolder('model.onnx')
    const { code, stdout } = await fixture.consilium('run', 'export', 'heart-1', '--out', out, '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ path: out, sha256: modelSha256, bytes: 5000 })
    expect(readFileSync(out).equals(modelBytes)).toBe(true)
    const again = await fixture.consilium('run', 'export', 'heart-1', '--out', out)
    expect(again.code).toBe(3)
    expect(again.stderr).toContain('--force')
    expect((await fixture.consilium('run', 'export', 'heart-1', '--out', out, '--force')).code).toBe(0)
  })

  test.for([1, 999, 1000, 2500, 4999])('export cut off after %i bytes goes on from there', async (cut) => {
    const out = inFolder(`cut-${cut}.onnx`)
    fixture.service.cutFetchAfter = cut
    expect((await fixture.consilium('run', 'export', 'heart-1', '--out', out)).code).toBe(4)
    expect((await readdir(folder)).filter((name) => name.startsWith(`cut-${cut}.onnx`))).toEqual([
      `cut-${cut}.onnx.${modelSha256.slice(0, 12)}.part`,
    ])
    expect((await fixture.consilium('run', 'export', 'heart-1', '--out', out)).code).toBe(0)
    expect(fixture.service.fetchOffsets).toEqual([0, cut])
    expect(readFileSync(out).equals(modelBytes)).toBe(true)
  })

  test('export refuses bytes with another hash and keeps none of them', async () => {
    fixture.service.objects.set(modelSha256, Buffer.from('another model'))
    const out = inFolder('wrong.onnx')
    const { code, stderr } = await fixture.consilium('run', 'export', 'heart-1', '--out', out)
    expect(code).toBe(1)
    expect(stderr).toContain('error[hash-mismatch]')
    expect((await readdir(folder)).filter((name) => name.startsWith('wrong'))).toEqual([])
  })

  test('export into a folder that is not there says so without a stack trace', async () => {
    const out = inFolder('nowhere/model.onnx')
    const { code, stderr } = await fixture.consilium('run', 'export', 'heart-1', '--out', out)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^error\[store-failed\]: ENOENT: no such file or directory, open '.*nowhere\/model\.onnx[^\n]*\n$/,
    )
  })

  test('export of a run that has no model says so', async () => {
    fixture.service.runs.set('heart-1', [aRun()])
    const { code, stderr } = await fixture.consilium('run', 'export', 'heart-1', '--out', inFolder('none.onnx'))
    expect(code).toBe(3)
    expect(stderr).toContain('run heart-1 is running: it has no model')
  })
})

describe('the admin client', () => {
  test('names what is missing where no coordinator ever ran', async () => {
    const { code, stderr } = await consilium('site', 'list', '--home', inFolder('nowhere'))
    expect(code).toBe(4)
    expect(stderr).toContain(`no coordinator is running on ${inFolder('nowhere')}: start it with consilium serve`)
  })

  test('says how to start a coordinator that has stopped', async () => {
    const stopped = await startAdminFixture()
    const admin = JSON.parse(await readFile(join(stopped.home, 'admin.json'), 'utf8')) as { readonly address: string }
    const client = await connectAdmin(stopped.home)
    await stopped.stop()
    await expect(client.listSites()).rejects.toMatchObject({
      code: 'link-down',
      message: expect.stringContaining(`consilium serve --home ${stopped.home}`),
    })
    expect(client.address).toBe(admin.address)
    client.close()
  })

  test('is refused by a coordinator whose authority it does not hold', async () => {
    const other = await startAdminFixture()
    await writeFile(join(other.home, 'admin.json'), await readFile(join(fixture.home, 'admin.json')))
    const { code } = await consilium('site', 'list', '--home', other.home)
    expect(code).toBe(4)
    await other.stop()
  })

  test.for([
    ['text', 'x'],
    ['no address', '{}'],
    ['a path for an address', '{"address":"unix:/tmp/x"}'],
  ] as const)('refuses an admin.json that holds %s', async ([, content]) => {
    const home = await mkdtemp(join(tmpdir(), 'consilium-home-'))
    await writeFile(join(home, 'admin.json'), content)
    await expect(connectAdmin(home)).rejects.toMatchObject({
      code: 'link-down',
      message: expect.stringContaining('damaged'),
    })
    await rm(home, { recursive: true })
  })

  test('names the operator certificate where it cannot be read', async () => {
    const home = await mkdtemp(join(tmpdir(), 'consilium-home-'))
    await writeFile(join(home, 'admin.json'), '{"address":"127.0.0.1:1"}')
    const { code, stderr } = await consilium('site', 'list', '--home', home)
    expect(code).toBe(3)
    expect(stderr).toContain(join(home, 'operator'))
    await rm(home, { recursive: true })
  })
})
