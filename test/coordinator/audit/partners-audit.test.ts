/** An auditor takes sums among other partners only by changes that the lead and every site of the new set signed. */
import { generateIdentity, identityFromSeed } from '@consilium/protos/identity.ts'
import {
  checkPartnerChange,
  type PartnerChange,
  signPartnerChange,
  signPartnerWord,
} from '@consilium/protos/plan/partner-change.ts'
import { readSignedStudy, signStudy } from '@consilium/protos/plan/signed-study.ts'
import { expect, test } from 'vitest'
import type { PartnerEvent } from '../../../coordinator/audit/federation-audit.ts'
import { checkPartnersFollow } from '../../../coordinator/audit/partners-audit.ts'
import { aManifest } from '../../support/a-study.ts'

const at = '2026-11-22T10:00:00.000Z'
const lead = generateIdentity()
const study = readSignedStudy(Buffer.from(JSON.stringify(signStudy(aManifest(), lead))))
const [four, three] = [
  ['a', 'b', 'c', 'd'],
  ['a', 'b', 'c'],
]
const identities = new Map(four.map((name, i) => [name, identityFromSeed(new Uint8Array(32).fill(i))]))

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

function events({
  agreed = three,
  by = lead,
  agreeing = identities,
  fields = {} as Partial<PartnerChange>,
} = {}): PartnerEvent[] {
  const change: PartnerChange = {
    ...{ format: 1, study: study.hash, number: 1 },
    sets: [{ purpose: 'evaluate', before: four, after: three }],
    ...fields,
  }
  const signed = signPartnerChange(change, by)
  const { hash } = checkPartnerChange(signed, by.publicKey)
  return [
    { type: 'partners-changed', at, study: study.hash, change, signature: base64(signed.signature) },
    ...agreed.map((site): PartnerEvent => {
      const said = signPartnerWord({ word: 'agree', study: study.hash, change: hash }, agreeing.get(site)!)
      return { type: 'partners-said', at, site, ...said, signature: base64(said.signature) }
    }),
  ]
}

const check = (partnerEvents: PartnerEvent[], after = three, purpose: 'statistics' | 'evaluate' = 'evaluate') =>
  checkPartnersFollow({ purpose, before: four, after }, study, {
    partnerEvents: () => partnerEvents,
    identityOf: (site) => identities.get(site)!.publicKey,
  })

test('a change that all signed is followed, and the same set needs none', () => {
  check(events())
  check([], four)
})

test.for<[string, () => PartnerEvent[]]>([
  ['there is no change', () => []],
  ['a site of the new set did not sign', () => events({ agreed: ['a', 'b'] })],
  ['another lead signed', () => events({ by: generateIdentity() })],
  [
    'another key signed for a site',
    () => events({ agreeing: new Map(three.map((name) => [name, generateIdentity()])) }),
  ],
  [
    'it is from another set',
    () => events({ fields: { sets: [{ purpose: 'evaluate', before: ['a', 'b', 'd'], after: three }] } }),
  ],
  [
    'it is for the statistics',
    () => events({ fields: { sets: [{ purpose: 'statistics', before: four, after: three }] } }),
  ],
])('it is not where %s', ([, given]) => {
  expect(() => check(given())).toThrow(
    expect.objectContaining({ code: 'log-broken', message: expect.stringMatching(/no change that the lead/) }),
  )
})
