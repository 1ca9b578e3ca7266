/** coordinator.yaml: everything has a default, every slip is named. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { advertisedAddress, advertisedHost, readConfig } from '../../coordinator/config.ts'

async function read(text?: string) {
  const home = await mkdtemp(join(tmpdir(), 'config-'))
  if (text !== undefined) await writeFile(join(home, 'coordinator.yaml'), text)
  return readConfig(home)
}

test.for([undefined, '', '# nothing\n'])('without settings (%j) the defaults hold', async (text) => {
  expect(await read(text)).toEqual({
    federation: 'consilium',
    sites: { host: '0.0.0.0', port: 7443 },
    admin: { port: 0 },
    certificateDays: 90,
    log: 'info',
  })
})

test.for([
  ['sites: { prot: 1 }', /coordinator\.yaml:1:10 sites\.prot: unknown key; allowed here: host, port, address/],
  ['sites: { port: 70000 }', /sites\.port/],
  ['sites: { address: "two words" }', /sites\.address: expected host or host:port/],
  ['federation: ""', /federation/],
  ['certificateDays: 0', /certificateDays/],
  ['- a list', /the file/],
  ['log: loud', /coordinator\.yaml:1:6 log: expected "trace" or /],
  ['a: [', /coordinator\.yaml:1:5 /],
] as const)('%j is refused with the key', async ([text, message]) => {
  await expect(read(text)).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) })
})

test.for([
  ['{}', `${hostname()}:7000`, hostname()],
  ['sites: { host: 127.0.0.1 }', '127.0.0.1:7000', '127.0.0.1'],
  ['sites: { host: "::1" }', '[::1]:7000', '::1'],
  ['sites: { address: hearts.example.org }', 'hearts.example.org:7000', 'hearts.example.org'],
  ['sites: { address: "hearts.example.org:443" }', 'hearts.example.org:443', 'hearts.example.org'],
  ['sites: { address: "[2001:db8::1]:443" }', '[2001:db8::1]:443', '2001:db8::1'],
] as const)('with %s sites are told %s', async ([text, address, host]) => {
  const config = await read(text)
  expect(advertisedAddress(config, 7000)).toBe(address)
  expect(advertisedHost(config)).toBe(host)
})
