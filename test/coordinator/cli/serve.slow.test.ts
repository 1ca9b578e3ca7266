/** `consilium serve` as a process: it says when it is up, answers the other commands, and stops at Ctrl-C. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseJoinCode } from '@consilium/protos/join-code.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { consilium } from '../../support/admin-fixture.ts'

const program = fileURLToPath(new URL('../../../coordinator/bin/consilium.mjs', import.meta.url))
let home: string
let children: ChildProcess[]

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'consilium-serve-'))
  await writeFile(join(home, 'coordinator.yaml'), 'sites: { host: 127.0.0.1, port: 0 }\nlog: warn\n')
  children = []
})
afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await rm(home, { recursive: true, force: true })
})

type Served = {
  readonly started: { readonly siteAddress: string; readonly adminAddress: string }
  /** Sends the signal; resolves with the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

async function serve(): Promise<Served> {
  const child = spawn(process.execPath, [program, 'serve', '--home', home, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  for await (const line of createInterface({ input: child.stdout! }))
    return {
      started: JSON.parse(line) as Served['started'],
      stop(signal) {
        child.kill(signal)
        return exited
      },
    }
  throw new Error(`the coordinator ended with ${await exited}`)
}

describe('consilium serve', () => {
  test.for(['SIGINT', 'SIGTERM'] as const)('answers until %s, then ends with exit code 0', async (signal) => {
    const served = await serve()
    const added = await consilium('site', 'add', 'basel', '--home', home, '--json')
    expect(added).toMatchObject({ code: 0, stderr: '' })
    const { joinCode } = JSON.parse(added.stdout) as { readonly joinCode: string }
    expect(parseJoinCode(joinCode)).toMatchObject({ site: 'basel', address: served.started.siteAddress })
    expect((await consilium('log', 'verify', '--home', home)).stdout).toContain('verified')

    expect(await served.stop(signal)).toBe(0)
    const { code, stderr } = await consilium('site', 'list', '--home', home)
    expect(code).toBe(4)
    expect(stderr).toContain('no coordinator is running')
    expect((await consilium('log', 'verify', '--home', home)).code).toBe(0)
  })

  test('remembers its sites over a kill and a new start', async () => {
    const killed = await serve()
    await consilium('site', 'add', 'basel', '--home', home)
    await killed.stop('SIGKILL')
    const stale = await consilium('site', 'list', '--home', home)
    expect(stale.code).toBe(4)
    expect(stale.stderr).toContain(`consilium serve --home ${home}`)
    const served = await serve()
    expect((await consilium('site', 'list', '--home', home)).stdout).toMatch(/^basel +invited/m)
    await served.stop('SIGTERM')
  })

  test('refuses a home folder on which a coordinator runs already', async () => {
    const served = await serve()
    const second = await consilium('serve', '--home', home)
    expect(second.code).toBe(3)
    expect(second.stderr).toContain('another coordinator is running')
    await served.stop('SIGTERM')
  })

  test('names the key of coordinator.yaml that is wrong', async () => {
    await writeFile(join(home, 'coordinator.yaml'), 'sites: { port: many }\n')
    const { code, stderr } = await consilium('serve', '--home', home)
    expect(code).toBe(2)
    expect(stderr).toContain('sites.port')
  })
})
