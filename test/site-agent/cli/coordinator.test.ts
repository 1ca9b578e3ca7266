/** `site-agent coordinator`: a person's word after the coordinator was restored, and nothing changed where it was not. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSiteStore } from '../../../site-agent/store/site-store.ts'
import { type JoinedFolder, joinedSite } from '../../support/joined-site.ts'
import { siteCommand } from '../../support/site-command.ts'

let folder: JoinedFolder
beforeEach(async () => {
  folder = await joinedSite('mercy')
  openSiteStore(folder.state).close()
})
afterEach(() => rmSync(folder.site, { recursive: true, force: true }))

const at = '2026-11-05T12:00:00.000Z'
const signature = new Uint8Array(64).fill(1)

const run = (args: readonly string[], answer?: string) => siteCommand([...args, '--site', folder.site], { answer })

function withLog<Result>(use: (log: ReturnType<typeof openSiteStore>['coordinatorLog']) => Result): Result {
  const store = openSiteStore(folder.state)
  try {
    return use(store.coordinatorLog)
  } finally {
    store.close()
  }
}

/** The coordinator went on from an old copy with 42 of the 57 entries that were known here. */
function recovered(): void {
  withLog((log) => {
    log.keepHead({ stream: 'federation', epoch: 1, size: 57, root: 'a'.repeat(64), at, signature })
    log.keepRevocations([{ site: 'zurich', publicKey: new Uint8Array(32).fill(2), epoch: 1, at, signature }])
    log.found([{ epoch: 2, size: 42, root: 'b'.repeat(64), at, signature }], 57, false)
  })
}
const waits = () => withLog((log) => log.recoveries().some(({ accepted }) => !accepted))

test('what is known of the log is shown, and with status that it went back', async () => {
  expect((await run(['coordinator', 'show'])).out).toBe('log  not shown yet\n')
  recovered()
  withLog((log) => log.setWentBack({ shownSize: 45, knownSize: 57 }))
  const { out } = await run(['coordinator', 'show'])
  expect(out).toMatch(/^log +57 entries, epoch 1, signed 2026-11-05 12:00:00 UTC\n/)
  expect(out).toMatch(/zurich revoked +2026-11-05 12:00:00 UTC, SHA256:/)
  const status = await run(['status'])
  expect(status.out).toMatch(/LOG WENT BACK +the coordinator shows 45 entries .* had signed 57/)
  expect(status.out).toMatch(/COORDINATOR RESTORED +.*site-agent coordinator accept/)
  expect(JSON.parse((await run(['status', '--json'])).out).coordinatorLog).toMatchObject({
    log: { epoch: 1, entries: 57 },
    wentBack: { shownSize: 45, knownSize: 57 },
    recoveries: [{ epoch: 2, entries: 42, knownEntries: 57 }],
    revoked: [{ site: 'zurich', at }],
  })
})

test('a coordinator that was not restored is not accepted, and nothing changes', async () => {
  const { code, error } = await run(['coordinator', 'accept', '--yes'])
  expect(code).toBe(3)
  expect(error).toMatch(/^error\[not-restored\]: .*Nothing is changed/)
})

test.for([
  { what: 'another word is typed', answer: 'yes', code: 1, says: /does not go along; nothing is changed/ },
  { what: 'nobody sits at a terminal', answer: undefined, code: 2, says: /add --yes/ },
])('one that was is not accepted where $what', async ({ answer, code, says }) => {
  recovered()
  const refused = await run(['coordinator', 'accept'], answer)
  expect(refused.code).toBe(code)
  expect(refused.error).toMatch(says)
  expect(waits()).toBe(true)
})

test('it is once the name of the federation is typed, after it was said what that means; once', async () => {
  recovered()
  const { federation } = JSON.parse((await run(['status', '--json'])).out)
  const { code, out } = await run(['coordinator', 'accept'], federation)
  expect(code).toBe(0)
  expect(out).toContain('of the 57 entries of its log that this site knew it has at most 42')
  expect(out).toContain('This site forgets nothing')
  expect(out).toContain(`goes along with the recovery of ${federation}: epoch 2`)
  expect(waits()).toBe(false)
  expect((await run(['status'])).out).toMatch(/coordinator, epoch 2 +restored from an old copy, .*; accepted .* by /)
  expect((await run(['coordinator', 'accept', '--yes'])).code).toBe(3)
})

test('where the policy goes along nobody is asked', async () => {
  recovered()
  writeFileSync(join(folder.site, 'policy.yaml'), 'recovery: { accept: true }\n')
  expect((await run(['coordinator', 'accept', '--yes'])).code).toBe(3)
  expect(waits()).toBe(false)
  expect((await run(['coordinator', 'show'])).out).toMatch(/by policy\.yaml/)
})
