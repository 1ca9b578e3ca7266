/** The coordinator on a home folder: it starts, tells where it is, and can be started again on what it left. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { connectAdmin } from '../../coordinator/cli/admin-client.ts'
import { startCoordinator } from '../../coordinator/main.ts'
import { collect } from '../support/collect.ts'

async function newHome(settings = ''): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'coordinator-'))
  await writeFile(
    join(home, 'coordinator.yaml'),
    `federation: hearts\nsites: { host: 127.0.0.1, port: 0 }\n${settings}`,
  )
  return home
}
const start = (home: string) => startCoordinator({ home, log: pino({ level: 'silent' }) })

test('it starts on an empty home, serves the operator, and goes on from its log when started again', async () => {
  const home = await newHome()
  const first = await start(home)
  expect(first.federation).toBe('hearts')
  expect(JSON.parse(await readFile(join(home, 'admin.json'), 'utf8'))).toEqual({
    address: first.adminAddress,
    pid: process.pid,
  })
  const admin = await connectAdmin(home)
  expect((await admin.addSite('basel', 10)).joinCode).toMatch(/^consilium-join-1\./)
  admin.close()
  await first.stop()
  await expect(stat(join(home, 'admin.json'))).rejects.toMatchObject({ code: 'ENOENT' })

  const second = await start(home)
  const again = await connectAdmin(home)
  expect((await collect(again.readLog())).map((bytes) => JSON.parse(Buffer.from(bytes).toString()).type)).toEqual([
    'federation-created',
    'site-invited',
  ])
  again.close()
  await second.stop()
})

test('keys are for their owner alone', async () => {
  const home = await newHome()
  await (await start(home)).stop()
  for (const name of ['coordinator.key', 'vault.key', 'authority-key.pem', 'server-key.pem'])
    expect((await stat(join(home, 'keys', name))).mode & 0o077, name).toBe(0)
})

test.for([
  ['signing key', ['coordinator.key']],
  ['certificate authority', ['authority.pem', 'authority-key.pem']],
] as const)('a home that lost its %s is refused: sites trust the lost one alone', async ([what, names]) => {
  const home = await newHome()
  await (await start(home)).stop()
  for (const name of names) await rm(join(home, 'keys', name))
  const message = expect.stringMatching(new RegExp(`${what} is not the one that the log of federation hearts names`))
  for (let time = 0; time < 2; time++)
    await expect(start(home)).rejects.toMatchObject({ code: 'store-failed', message })
})

test('a home that is in use, and a configuration that is wrong, are refused and leave nothing open', async () => {
  const home = await newHome()
  const running = await start(home)
  await expect(start(home)).rejects.toMatchObject({ code: 'already-exists' })
  await running.stop()
  const wrong = await newHome('admin: { port: -1 }\n')
  for (let time = 0; time < 2; time++) await expect(start(wrong)).rejects.toMatchObject({ code: 'invalid-argument' })
})

test('a log that was changed while the coordinator was down is refused with the entry', async () => {
  const home = await newHome()
  await (await start(home)).stop()
  const path = join(home, 'log.sqlite')
  const bytes = await readFile(path)
  const at = bytes.lastIndexOf('"name":"hearts"')
  bytes.write('"name":"lungs!"', at)
  await writeFile(path, bytes)
  await expect(start(home)).rejects.toMatchObject({ code: 'log-broken', message: expect.stringContaining('entry 0') })
})
