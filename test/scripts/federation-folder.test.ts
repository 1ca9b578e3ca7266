/** A federation folder is checked whole before a process starts, and every complaint names its file. */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { heartData } from '../../scripts/demo/heart-data.ts'
import { writeHeartFederation } from '../../scripts/demo/heart-federation.ts'
import { readFederationFolder } from '../../scripts/simulate/federation-folder.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-test-'))
  const data = await heartData({ choice: 'synthetic', cacheFolder: folder, baseUrl: '', timeoutMs: 1, say: () => {} })
  await writeHeartFederation(folder, data, { seed: 7, rounds: 2, steps: 100 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the folder the demo writes', () => {
  test('is a valid federation of four hospitals that says it is synthetic', async () => {
    const federation = await readFederationFolder(folder)
    expect(federation.sites.map(({ name }) => name)).toEqual([
      'synthetic-a',
      'synthetic-b',
      'synthetic-c',
      'synthetic-d',
    ])
    expect(federation.data).toMatchObject({ synthetic: true, description: expect.stringContaining('SYNTHETIC') })
    expect(federation.study.title).toMatch(/^SYNTHETIC DATA/)
    expect(federation.study).toMatchObject({
      rounds: 2,
      seed: 7,
      initialParameters: { seed: 7 },
      optimizer: { name: 'sgd', learningRate: 0.01 },
      localTraining: { steps: 100, batchSize: 4 },
      standardisation: 'federated',
      split: { by: 'hash' },
    })
  })

  test('splits by the benchmark where its split is given', async () => {
    const data = await heartData({ choice: 'synthetic', cacheFolder: folder, baseUrl: '', timeoutMs: 1, say: () => {} })
    await writeHeartFederation(
      folder,
      { ...data, origin: 'folder', split: Buffer.from('site,row,split\n') },
      { seed: 0, rounds: 1, steps: 100 },
    )
    const federation = await readFederationFolder(folder)
    expect(federation.study.split).toEqual({ by: 'column', column: 'split' })
    expect(federation.study.title).not.toMatch(/synthetic/i)
    expect(federation.data.synthetic).toBe(false)
  })
})

type Damage = {
  readonly what: string
  readonly code: string
  readonly names: RegExp
  readonly how: () => Promise<unknown>
}

const damages: readonly Damage[] = [
  { what: 'no study', code: 'invalid-argument', names: /study\.yaml/, how: () => rm(join(folder, 'study.yaml')) },
  {
    what: 'a study with a mistake',
    code: 'invalid-study',
    names: /study\.yaml:\d+:\d+ .*unknown key/,
    how: () => appendFile(join(folder, 'study.yaml'), 'epochs: 3\n'),
  },
  {
    what: 'no sites',
    code: 'invalid-argument',
    names: /sites/,
    how: () => rm(join(folder, 'sites'), { recursive: true }),
  },
  {
    what: 'too few sites for the cohort',
    code: 'cohort-too-small',
    names: /2 sites.* 3/,
    how: async () => {
      await rm(join(folder, 'sites', 'synthetic-a'), { recursive: true })
      await rm(join(folder, 'sites', 'synthetic-b'), { recursive: true })
    },
  },
  {
    what: 'a site without site.yaml',
    code: 'invalid-site-config',
    names: /site synthetic-c: .*site\.yaml/,
    how: () => rm(join(folder, 'sites', 'synthetic-c', 'site.yaml')),
  },
  {
    what: 'a site.yaml with a mistake',
    code: 'invalid-site-config',
    names: /site synthetic-d/,
    how: () => appendFile(join(folder, 'sites', 'synthetic-d', 'site.yaml'), 'password: secret\n'),
  },
  {
    what: 'a site with a policy of its own',
    code: 'invalid-argument',
    names: /site synthetic-b has a policy\.yaml/,
    how: () => writeFile(join(folder, 'sites', 'synthetic-b', 'policy.yaml'), 'approve: { leads: [] }\n'),
  },
  {
    what: 'a site whose name is none',
    code: 'invalid-argument',
    names: /General Hospital.*lower-case/,
    how: () => mkdir(join(folder, 'sites', 'General Hospital')),
  },
  {
    what: 'a data.yaml that does not say whether the data are real',
    code: 'invalid-argument',
    names: /data\.yaml[\s\S]*synthetic/,
    how: () => writeFile(join(folder, 'data.yaml'), 'description: some data\n'),
  },
]

test.for(damages)('$what is refused, naming it', async ({ code, names, how }) => {
  await how()
  await expect(readFederationFolder(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(names) })
})

test('without data.yaml the report calls the data after the folder, and not synthetic', async () => {
  await rm(join(folder, 'data.yaml'))
  expect((await readFederationFolder(folder)).data).toMatchObject({ synthetic: false })
})
