/** Which source the demo's data come from, and that none is believed without its hash. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../protos/hash.ts'
import { cachedDownload } from '../../scripts/demo/download.ts'
import { type HeartDataOptions, heartData, originals, userCacheFolder } from '../../scripts/demo/heart-data.ts'

let folder: string
let server: Server | undefined
let lines: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-test-'))
  lines = []
})
afterEach(async () => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
  await rm(folder, { recursive: true, force: true })
})

/** Serves `respond(path)` on a free port of this machine; returns its address. */
async function serve(respond: (path: string) => { status?: number; body: string | Buffer } | 'never'): Promise<string> {
  const started = createServer((request, response) => {
    const answer = respond(request.url ?? '')
    if (answer === 'never') return
    response.writeHead(answer.status ?? 200).end(answer.body)
  })
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}/heart-disease/`
}

const options = (overrides: Partial<HeartDataOptions>): HeartDataOptions => ({
  choice: 'auto',
  cacheFolder: join(folder, 'cache'),
  baseUrl: 'http://127.0.0.1:9/heart-disease/',
  timeoutMs: 2000,
  say: (line) => lines.push(line),
  ...overrides,
})

describe('the source of the heart data', () => {
  test('an unreachable archive gives the synthetic cohort, and says so', async () => {
    const data = await heartData(options({}))
    expect(data.origin).toBe('synthetic')
    expect(data.description).toMatch(/^SYNTHETIC/)
    expect(lines.join('\n')).toContain('SYNTHETIC')
    expect(data.files.map((file) => file.site)).toEqual(['synthetic-a', 'synthetic-b', 'synthetic-c', 'synthetic-d'])
  })

  test('a file in the archive that is not the pinned one is not used', async () => {
    const baseUrl = await serve(() => ({ body: '63,1,1,145,233,1,2,150,0,2.3,3,0,6,0\n' }))
    const data = await heartData(options({ baseUrl }))
    expect(data.origin).toBe('synthetic')
    expect(lines[0]).toContain('SHA-256 differs')
    await expect(heartData(options({ baseUrl, choice: 'download' }))).rejects.toMatchObject({ code: 'hash-mismatch' })
  })

  test('a server that never answers costs the time limit and no more', async () => {
    const baseUrl = await serve(() => 'never')
    await expect(heartData(options({ baseUrl, choice: 'download', timeoutMs: 50 }))).rejects.toMatchObject({
      code: 'data-unreadable',
    })
  })

  test('a named folder without the files is an error that names the file, not a silent change of data', async () => {
    await expect(heartData(options({ folder }))).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringContaining('processed.'),
    })
  })

  test('a named folder with an altered file is refused', async () => {
    await mkdir(join(folder, 'heart-disease'))
    for (const { site } of originals)
      await writeFile(join(folder, 'heart-disease', `processed.${site}.data`), 'altered\n')
    await expect(heartData(options({ folder }))).rejects.toMatchObject({ code: 'hash-mismatch' })
  })

  test('asking for synthetic data asks nobody else', async () => {
    const data = await heartData(options({ choice: 'synthetic', folder: '/nowhere' }))
    expect(data.origin).toBe('synthetic')
    expect(lines).toEqual([])
  })
})

describe('a download', () => {
  const content = Buffer.from('one file\n')
  const sha256 = sha256Hex(content)
  const download = (url: string, more: object = {}) =>
    cachedDownload({
      url: new URL(url),
      sha256,
      cacheFolder: join(folder, 'cache'),
      timeoutMs: 2000,
      bytesMax: 1000,
      ...more,
    })

  test('is asked for once and then comes from the cache', async () => {
    let asked = 0
    const url = await serve(() => {
      asked += 1
      return { body: content }
    })
    expect(Buffer.from(await download(url))).toEqual(content)
    expect(Buffer.from(await download(url))).toEqual(content)
    expect(asked).toBe(1)
    expect(await readdir(join(folder, 'cache'))).toEqual([sha256])
  })

  test('is made again where the cached file was damaged', async () => {
    const url = await serve(() => ({ body: content }))
    await download(url)
    await writeFile(join(folder, 'cache', sha256), 'damaged')
    expect(Buffer.from(await download(url))).toEqual(content)
    expect(await readFile(join(folder, 'cache', sha256))).toEqual(content)
  })

  test('stops at its size limit', async () => {
    const url = await serve(() => ({ body: Buffer.alloc(5000) }))
    await expect(download(url)).rejects.toMatchObject({
      code: 'data-unreadable',
      message: expect.stringContaining('larger than 1000 bytes'),
    })
  })

  test('names the status of a server that refuses', async () => {
    const url = await serve(() => ({ status: 503, body: 'later' }))
    await expect(download(url)).rejects.toMatchObject({ message: expect.stringContaining('503') })
  })
})

test('the cache folder follows the XDG variable where it is set', { skip: process.platform !== 'linux' }, () => {
  expect(userCacheFolder({ XDG_CACHE_HOME: '/somewhere' })).toBe('/somewhere/consilium')
})

const copies = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')
const haveCopies = await readdir(join(copies, 'heart-disease')).then(
  () => true,
  () => false,
)
if (!haveCopies) console.log('No copies of the heart-disease originals here: the tests on real files are left out.')

describe.runIf(haveCopies)('with the originals at hand', () => {
  test('a named folder gives four hospitals and the benchmark split', async () => {
    const data = await heartData(options({ folder: copies }))
    expect(data.origin).toBe('folder')
    expect(data.files.map((file) => file.site)).toEqual(['cleveland', 'hungarian', 'switzerland', 'va'])
    expect(Buffer.from(data.split!).toString()).toMatch(/^site,row,split\n/)
  })

  test('an archive that serves the originals is used, without a split of its own', async () => {
    const files = new Map<string, Buffer>()
    for (const { site } of originals)
      files.set(
        `/heart-disease/processed.${site}.data`,
        await readFile(join(copies, 'heart-disease', `processed.${site}.data`)),
      )
    const baseUrl = await serve((path) => ({ body: files.get(path)! }))
    const data = await heartData(options({ baseUrl }))
    expect(data.origin).toBe('download')
    expect(data.split).toBeUndefined()
    expect(data.description).not.toMatch(/synthetic/i)
  })
})
