/** The command line as a process: few, because starting one is slow. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { joinedSite } from '../../support/joined-site.ts'

const binary = join(import.meta.dirname, '../../../site-agent/bin/site-agent.mjs')

test('the binary runs from any directory and passes its exit code on', async () => {
  const failed = await promisify(execFile)(process.execPath, [binary, 'status', '--json'], { cwd: tmpdir() }).catch(
    (error) => error,
  )
  expect(failed.code).toBe(5)
  expect(failed.stdout).toBe('')
  expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: 'unauthenticated' } })
})

test('a running agent tells its events line by line and ends cleanly on a signal, though it come twice', async () => {
  const { site } = await joinedSite('mercy')
  writeFileSync(
    join(site, 'site.yaml'),
    'files:\n  heart: { format: csv, path: heart.csv, columns: { age: DOUBLE } }\nview: SELECT age FROM heart\n',
  )
  const agent = spawn(process.execPath, [binary, 'run', '--site', site, '--json'])
  const exit = once(agent, 'exit')
  let out = ''
  let log = ''
  agent.stderr.on('data', (text) => {
    log += text
  })
  for await (const text of agent.stdout) {
    out += text
    if (out.includes('\n')) for (const signal of ['SIGINT', 'SIGTERM'] as const) agent.kill(signal)
  }
  expect(await exit).toEqual([0, null])
  expect(JSON.parse(out.split('\n')[0]!)).toMatchObject({ type: 'link-down' })
  for (const line of log.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level')
  rmSync(site, { recursive: true, force: true })
})
