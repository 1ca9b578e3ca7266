/** The processes of a simulation: what they print is kept, a death is told with its last words, and none is left. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ProcessGroup } from '../../scripts/simulate/processes.ts'

let folder: string
let group: ProcessGroup

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'consilium-test-'))
  group = new ProcessGroup(folder)
})
afterEach(async () => {
  await group.stop()
  await rm(folder, { recursive: true, force: true })
})

const script = (text: string) => ['-e', text]
/** Starts a process and resolves with its first line. */
const firstLine = (name: string, text: string) =>
  new Promise<string>((resolve) => group.start({ name, args: script(text), onLine: resolve }))
const alive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a process reads its input, and what it prints is in its log', async () => {
  await group.run({ name: 'echo', args: script('process.stdin.pipe(process.stdout)'), input: 'a code\n' })
  expect(await readFile(join(folder, 'echo.log'), 'utf8')).toBe('a code\n')
})

test('a process that fails is told with its exit code, its last lines and its log', async () => {
  await expect(
    group.run({ name: 'va', args: script('console.error("no such file"); process.exit(3)') }),
  ).rejects.toThrow(/va ended with exit code 3[\s\S]*\| no such file[\s\S]*va\.log/)
})

test('a process that ends while it is needed is a failure, whatever its exit code', async () => {
  group.start({ name: 'coordinator', args: script('console.log("good-bye")') })
  await expect(group.failure).rejects.toThrow(/coordinator ended while it was needed[\s\S]*good-bye/)
})

test('stopping ends a process that listens and one that does not, and is no failure', async () => {
  const polite = Number(await firstLine('polite', 'console.log(process.pid); setInterval(() => {}, 1e6)'))
  const stubborn = Number(
    await firstLine(
      'stubborn',
      'process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1e6)',
    ),
  )
  await group.stop(20)
  expect([alive(polite), alive(stubborn)]).toEqual([false, false])
  const settled = await Promise.race([group.failure.catch(() => 'failed'), Promise.resolve('quiet')])
  expect(settled).toBe('quiet')
})

test('nothing is started once everything is being ended', async () => {
  await group.stop()
  expect(() => group.start({ name: 'late', args: script('') })).toThrow('late is not started')
})

test('a process that leaves another behind is known to have ended, and the other ends with it', {
  skip: process.platform === 'win32',
  timeout: 20_000,
}, async () => {
  // The one left behind holds the output open: were it not ended, the failure would never be told.
  const leaving = `
    const { spawn } = require('node:child_process')
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'inherit' })
    setTimeout(() => process.exit(1), 0)`
  group.start({ name: 'agent', args: script(leaving) })
  await expect(group.failure).rejects.toThrow('agent ended')
})
