/** A home folder belongs to one coordinator at a time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockHome } from '../../../coordinator/store/home-lock.ts'

test('a home that is held is refused until it is let go', async () => {
  const home = await mkdtemp(join(tmpdir(), 'home-'))
  const unlock = lockHome(home)
  expect(() => lockHome(home)).toThrow('another coordinator')
  unlock()
  lockHome(home)()
})

test('a home that cannot be used is told apart from one that is held', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'home-')), 'file')
  await writeFile(file, '')
  const damaged = await mkdtemp(join(tmpdir(), 'home-'))
  await writeFile(join(damaged, 'lock'), 'x'.repeat(2000))
  for (const home of [file, damaged])
    expect(() => lockHome(home)).toThrow(
      expect.objectContaining({ code: 'store-failed', message: expect.stringContaining(`cannot use ${home}`) }),
    )
})

test('a home is free again after the process that held it was killed', async () => {
  const home = await mkdtemp(join(tmpdir(), 'home-'))
  const module = new URL('../../../coordinator/store/home-lock.ts', import.meta.url)
  const script = `import { lockHome } from ${JSON.stringify(module.href)}
    lockHome(${JSON.stringify(home)}); process.stdout.write('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  expect(() => lockHome(home)).toThrow('another coordinator')
  child.kill('SIGKILL')
  await once(child, 'exit')
  lockHome(home)()
})
