/** `site-agent recover`: a person's word, only where the site was restored, and nothing changed where it was not. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockState } from '../../../site-agent/store/lock.ts'
import { openSiteStore } from '../../../site-agent/store/site-store.ts'
import { type JoinedFolder, joinedSite } from '../../support/joined-site.ts'
import { siteCommand } from '../../support/site-command.ts'

let folder: JoinedFolder
beforeEach(async () => {
  folder = await joinedSite('mercy')
  openSiteStore(folder.state).close()
})
afterEach(() => rmSync(folder.site, { recursive: true, force: true }))

const run = (args: readonly string[], answer?: string) => siteCommand([...args, '--site', folder.site], { answer })

function restored(): void {
  const store = openSiteStore(folder.state)
  store.sessionLedger.restored({ epoch: 1, number: 7, head: new Uint8Array(32).fill(1) })
  store.close()
}

const ledger = () => {
  const store = openSiteStore(folder.state)
  const { epoch, number } = store.sessionLedger.position()
  store.close()
  return { epoch, number }
}

test('a site that was not restored is told so, and nothing of it changes', async () => {
  const before = readFileSync(join(folder.state, 'agent.sqlite'))
  const { code, error } = await run(['recover', '--yes'])
  expect(code).toBe(3)
  expect(error).toMatch(/^error\[not-restored\]: nothing says that this site was restored: .* Nothing is changed/)
  expect(JSON.parse((await run(['recover', '--yes', '--json'])).error)).toMatchObject({
    error: { code: 'not-restored' },
  })
  expect(Buffer.compare(readFileSync(join(folder.state, 'agent.sqlite')), before)).toBe(0)
})

test('a restored one is recovered once its name is typed, and status tells both', async () => {
  restored()
  expect((await run(['status'])).out).toMatch(/RESTORED .*had signed session 7.*site-agent recover/)
  expect(JSON.parse((await run(['status', '--json'])).out).sessions).toMatchObject({
    restored: { epoch: 1, number: 7 },
  })
  const { code, out } = await run(['recover'], 'mercy')
  expect(code).toBe(0)
  expect(out).toContain('mercy is recovered: epoch 2 of its ledger begins with entry 8.')
  const status = await run(['status'])
  expect(status.out).toMatch(/recovered .*, as epoch 2/)
  expect(status.out).not.toContain('RESTORED')
  expect((await run(['recover', '--yes'])).code).toBe(3)
})

test.for([
  { what: 'another word is typed', answer: 'yes', code: 1, says: /not recovered; nothing is changed/ },
  { what: 'nobody sits at a terminal', answer: undefined, code: 2, says: /add --yes/ },
])('it is not where $what', async ({ answer, code, says }) => {
  restored()
  const refused = await run(['recover'], answer)
  expect(refused.code).toBe(code)
  expect(refused.error).toMatch(says)
  expect(ledger()).toEqual({ epoch: 1, number: 0 })
})

test('nor beside an agent that runs', async () => {
  restored()
  const lock = lockState(folder.state)
  const { code, error } = await run(['recover', '--yes'])
  lock.release()
  expect(code).toBe(3)
  expect(error).toMatch(/another site-agent runs on .*stop it first/)
  expect(ledger()).toEqual({ epoch: 1, number: 0 })
})

test('with --yes it asks nobody, and says as JSON what it did', async () => {
  restored()
  expect(JSON.parse((await run(['recover', '--yes', '--json'])).out)).toEqual({
    site: 'mercy',
    epoch: 2,
    session: 8,
    endedRounds: 0,
    trainsOnly: [],
  })
})
