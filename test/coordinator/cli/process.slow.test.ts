/** `consilium` as a process of its own: help, exit codes, what goes to which stream. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../../coordinator/bin/consilium.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'consilium-process-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** Runs the program in a folder that is not the project's. */
function consilium(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const options = { cwd: folder, env: { ...process.env, CONSILIUM_HOME: join(folder, 'home'), ...environment } }
  execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) =>
    resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
  )
  return promise
}

describe('consilium', () => {
  test('prints help with every command group, examples and exit codes', async () => {
    const { code, stdout, stderr } = await consilium(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const group of ['serve', 'site', 'lead', 'study', 'run', 'log'])
      expect(stdout).toMatch(new RegExp(`^  ${group} `, 'm'))
    expect(stdout).toContain('$ consilium run start heart-disease --watch')
    expect(stdout).toMatch(/^ {4}4 {2}the coordinator is not running or not reachable$/m)
  })

  test.for([
    ['site', 'add'],
    ['site', 'list'],
    ['site', 'revoke'],
    ['lead', 'create'],
    ['lead', 'show'],
    ['study', 'create'],
    ['study', 'list'],
    ['study', 'show'],
    ['run', 'start'],
    ['run', 'watch'],
    ['run', 'list'],
    ['run', 'show'],
    ['run', 'cancel'],
    ['run', 'export'],
    ['log', 'verify'],
    ['log', 'show'],
    ['log', 'export'],
  ] as const)('%s %s has help with an example', async (words) => {
    const { main } = await import('@consilium/coordinator/cli/main.ts')
    let help = ''
    const terminal = {
      isLive: false,
      hasColor: false,
      columns: 100,
      rows: 50,
      write: (text: string) => (help += text),
      writeError() {},
    }
    expect(await main([...words, '--help'], { terminal })).toBe(0)
    expect(help).toContain(`$ consilium ${words.join(' ')}`)
    expect(help).toContain('--json')
  })

  test.for([
    ['an unknown command', ['sites'], "unknown command 'sites'"],
    ['an unknown option', ['site', 'list', '--all'], "unknown option '--all'"],
    ['a missing argument', ['site', 'add'], "missing required argument 'name'"],
    ['a site name in capitals', ['site', 'add', 'Basel'], 'lower-case letters'],
    ['a validity that is no number', ['site', 'add', 'basel', '--valid-minutes', 'soon'], 'whole minutes'],
    ['a study without a key', ['study', 'create', 'study.yaml'], "required option '--key <file>'"],
  ] as const)('exits 2 with %s', async ([, args, message]) => {
    const { code, stdout, stderr } = await consilium(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^error\[invalid-argument\]: /)
    expect(stderr).toContain(message)
  })

  test('exits 2 and prints help to standard error without a command', async () => {
    const { code, stdout, stderr } = await consilium(['site'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: consilium site')
  })

  test('exits 4 where no coordinator runs, and names the home folder of the environment', async () => {
    const { code, stderr } = await consilium(['run', 'list'])
    expect(code).toBe(4)
    expect(stderr).toBe(
      `error[link-down]: no coordinator is running on ${join(folder, 'home')}: start it with consilium serve --home ${join(folder, 'home')}, or name its home folder with --home\n`,
    )
  })

  test('prints errors as JSON with --json, usage errors too, and nothing to standard output', async () => {
    const down = await consilium(['run', 'list', '--json'])
    expect({ stdout: down.stdout, error: JSON.parse(down.stderr) }).toMatchObject({
      stdout: '',
      error: { error: { code: 'link-down' } },
    })
    const usage = await consilium(['--json', 'site', 'add'])
    expect(JSON.parse(usage.stderr)).toMatchObject({ error: { code: 'invalid-argument' } })
  })

  test('writes relative paths in the folder it is called in', async () => {
    const { code, stdout } = await consilium(['lead', 'create', 'lead.json', '--json'])
    expect(code).toBe(0)
    expect((await consilium(['lead', 'show', join(folder, 'lead.json'), '--json'])).stdout).toContain(
      (JSON.parse(stdout) as { readonly fingerprint: string }).fingerprint,
    )
  })
})
