/** A site looks at all the studies that it approved before each plan and after each round: what that takes is counted, not timed. */
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import type { Sha256 } from '@consilium/protos/plan/names.ts'
import { signStudy } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, expect, test, vi } from 'vitest'
import { stoodOutOf } from '../../site-agent/stood-out.ts'
import { lead, openSite, type SiteFixture, siteName, studyOf } from '../support/site-fixture.ts'

let site: SiteFixture
afterEach(async () => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  await site.close()
})

/** Every signature that is verified from now on, wherever in the agent. */
function verifications() {
  const verify = vi.spyOn(crypto, 'verify')
  syncBuiltinESMExports()
  return verify
}

test('each approved study is verified once for all looks and the policy is read once a look, whatever is asked of them', () => {
  site = openSite()
  for (const name of ['lung', 'kidney']) site.decide('approved', signStudy(studyOf({ name }, site.coordinator), lead))
  for (const { hash } of site.store.studies.list()) haveChangedRows(hash)
  const readPolicy = vi.fn(() => site.policy)
  const verified = verifications()
  expect(stoodOutOf({ name: siteName, store: site.store, readPolicy })).toEqual([])
  // The third one was read as the site opened.
  expect(verified).toHaveBeenCalledTimes(2)
  expect(readPolicy).toHaveBeenCalledTimes(1)
  expect(stoodOutOf({ name: siteName, store: site.store, readPolicy })).toEqual([])
  expect(verified).toHaveBeenCalledTimes(2)
  expect(readPolicy).toHaveBeenCalledTimes(2)
})

test('a study that this site stands out of altogether is not verified', () => {
  site = openSite()
  const study = site.store.studies.list()[0]!.hash
  site.store.standOuts.add({ study, purpose: 'all', code: 'too-few-contributors', reason: 'one of three' })
  const verified = verifications()
  const here = { name: siteName, store: site.store, readPolicy: () => site.policy }
  expect(stoodOutOf(here)).toEqual([{ study, purpose: 'all', code: 'site-fault' }])
  expect(verified).not.toHaveBeenCalled()
})

/** Its test rows were counted, and are others than those of an evaluation that this site masked. */
function haveChangedRows(study: Sha256): void {
  const { records, testRows } = site.store
  records.dataChecked({ study, summary: { trainRows: 500, testRows: 9, droppedRows: 0, remarks: [] } })
  testRows.worked(study, study, new Uint8Array(32).fill(1))
  testRows.masked(study)
  testRows.loaded(study, new Uint8Array(32).fill(2))
}
