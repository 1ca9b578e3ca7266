/** A stored study is parsed and verified once for the same bytes, and anew for any others. */
import { signStudy } from '@consilium/protos/plan/signed-study.ts'
import { afterEach, expect, test } from 'vitest'
import { lead, openSite, type SiteFixture, studyOf } from '../../support/site-fixture.ts'

let site: SiteFixture
afterEach(() => site.close())

function stored() {
  site = openSite()
  site.decide('approved', signStudy(studyOf({ name: 'lung' }, site.coordinator), lead))
  return site.store.studies.list().find(({ name }) => name === 'lung')!
}

test('the same bytes are read once', () => {
  const known = stored()
  const { studies } = site.store
  const first = studies.read(known)
  expect(first.manifest.study.name).toBe('lung')
  expect(studies.read(studies.find(known.hash)!)).toBe(first)
})

test('other bytes under the hash of a study that was read are verified', () => {
  const known = stored()
  const { studies } = site.store
  studies.read(known)
  const altered = Buffer.from(Buffer.from(known.signed).toString('utf8').replace('"lung"', '"lump"'))
  expect(() => studies.read({ ...known, signed: altered })).toThrow(
    expect.objectContaining({ code: 'signature-invalid' }),
  )
  expect(studies.read(known).hash).toBe(known.hash)
})
