/** `site-agent study withdraw` and `study partners`: what a person reads, types and signs. */
import { rmSync } from 'node:fs'
import { checkPartnerChange, signPartnerChange } from '@consilium/protos/plan/partner-change.ts'
import { signStudy, studyHash } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSiteStore, type SiteStore } from '../../../site-agent/store/site-store.ts'
import { type JoinedFolder, joinedSite } from '../../support/joined-site.ts'
import { siteCommand } from '../../support/site-command.ts'
import { lead, studyBytes, studyOf } from '../../support/site-fixture.ts'

let folder: JoinedFolder
const manifest = studyOf({ cohort: { min: 3 } }, { addObject: () => '0'.repeat(64) })
const study = studyHash(manifest)
const four = ['basel', 'hope', 'mercy', 'zurich']

beforeEach(async () => {
  folder = await joinedSite('mercy')
  withStore((store) => {
    const { known } = store.studies.keep(studyBytes(signStudy(manifest, lead)))
    store.studies.decide({ study, decision: 'approved', lead: known.lead, by: 'person', account: 'it', reason: '' })
  })
})
afterEach(() => rmSync(folder.site, { recursive: true, force: true }))

function withStore<Result>(body: (store: SiteStore) => Result): Result {
  const store = openSiteStore(folder.state)
  try {
    return body(store)
  } finally {
    store.close()
  }
}

const run = (args: readonly string[], answer?: string) =>
  siteCommand(['study', ...args, '--site', folder.site], { answer })

const settled = () =>
  withStore((store) => {
    store.partners.keep({ study, purpose: 'evaluate', label: 'l', sites: four, change: 0 })
    store.records.evaluated({ planHash: 'a'.repeat(64), run: 'heart-1', round: 7, study, examples: 42 })
  })
const decision = () => withStore((store) => store.studies.decisionOn(study)?.decision)
const words = () => withStore((store) => store.partnerChanges.untold())

test('withdraw says what leaving tells of this site, and leaves once that is typed', async () => {
  settled()
  for (const answer of ['', 'yes', 'train']) {
    const { code } = await run(['withdraw', 'heart'], answer)
    expect(code).not.toBe(0)
    expect([decision(), words()]).toEqual(['approved', []])
  }
  const { code, out } = await run(['withdraw', 'heart', '--reason', 'closed'], 'evaluate')
  expect(code).toBe(0)
  expect(out).toMatch(
    /evaluate: the next evaluation is among the 3 others, .* number of test rows \(42 in round 7 of heart-1\) and of cases/,
  )
  expect(out).toMatch(/This site has left study heart .*the other sites go along: evaluate/s)
  expect(out).toMatch(/The coordinator could not be told yet/)
  expect(decision()).toBe('rejected')
  expect(words()).toMatchObject([{ word: 'leave', study, since: 0, purposes: ['evaluate'] }])
})

test('withdraw without a terminal takes --accept, and nothing by itself', async () => {
  settled()
  const refused = await run(['withdraw', 'heart'])
  expect(refused.code).toBe(2)
  expect(refused.error).toMatch(
    /nothing is decided: add --accept evaluate, or leave without it by site-agent study reject/,
  )
  expect(await run(['withdraw', 'heart', '--accept', 'all'])).toMatchObject({ code: 2 })
  expect(decision()).toBe('approved')
  const { out } = await run(['withdraw', 'heart', '--accept', 'evaluate,statistics', '--json'])
  expect(JSON.parse(out)).toMatchObject({ study, purposes: ['statistics', 'evaluate'], told: false })
})

test.for(['withdraw', 'reject'])(
  '%s takes a reason of as many characters as a message has, and no more',
  async (word) => {
    const tooLong = await run([word, 'heart', '--reason', 'x'.repeat(501)])
    expect(tooLong).toMatchObject({ code: 2, error: expect.stringContaining('a reason has at most 500 characters') })
    expect(decision()).toBe('approved')
    expect(await run([word, 'heart', '--reason', 'x'.repeat(500)])).toMatchObject({ code: 0 })
  },
)

test('a site that was in no evaluation leaves without a question: there is nothing to tell', async () => {
  expect(await run(['withdraw', 'heart'])).toMatchObject({ code: 0 })
  expect(words()).toMatchObject([{ word: 'leave', purposes: ['statistics', 'evaluate'] }])
})

test('partners shows the sets and what waits, and --accept goes along with it', async () => {
  expect((await run(['partners', 'heart'])).out).toMatch(/No statistics or evaluation was summed with this site yet/)
  expect(await run(['partners', 'heart', '--accept'])).toMatchObject({ code: 3 })
  settled()
  const after = ['basel', 'hope', 'mercy']
  const signed = signPartnerChange(
    { format: 1, study, number: 1, sets: [{ purpose: 'evaluate', before: four, after }] },
    lead,
  )
  withStore((store) => store.partnerChanges.keep(checkPartnerChange(signed, lead.publicKey), signed, []))
  expect((await siteCommand(['status', '--site', folder.site])).out).toMatch(
    /^heart, change 1 +evaluate: without zurich$/m,
  )
  const { out } = await run(['partners', 'heart'])
  expect(out).toMatch(/^evaluate +basel, hope, mercy, zurich$/m)
  expect(out).toMatch(/^1 {2}evaluate: without zurich +waits: zurich has not signed that it leaves/m)
  expect(out).toMatch(/if it is right: site-agent study partners [0-9a-f]{12} --accept/)
  const accepted = JSON.parse((await run(['partners', 'heart', '--accept', '--json'])).out)
  expect(accepted).toMatchObject({ changes: [{ number: 1, agreed: { by: 'person' } }], changesMax: 2, told: false })
  expect(words()).toMatchObject([{ word: 'agree' }])
  expect((await run(['partners', 'heart', '--accept'])).error).toMatch(/no change of the partners of study heart waits/)
})
