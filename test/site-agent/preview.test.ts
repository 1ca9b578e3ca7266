/** What a person is shown before approving: the very sizes that leave, what nobody but the site can read, and what can be. */
import { federationTypes } from '@consilium/protos/load.ts'
import { vectorSizes } from '@consilium/protos/plan/contribution.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import type { SecureFromSite } from '@consilium/protos/secagg/messages.ts'
import { sealedShareBytes } from '@consilium/protos/secagg/signed-messages.ts'
import { secureUploadBytes, secureVectors } from '@consilium/protos/secagg/vectors.ts'
import { wireMaskedInput, wireSecureFromSite } from '@consilium/protos/secagg/wire-messages.ts'
import { describe, expect, test } from 'vitest'
import { preview } from '../../site-agent/preview.ts'
import { studyOf } from '../support/site-fixture.ts'

const manifestOf = (fields: Partial<StudyInput> = {}) => studyOf(fields, { addObject: () => '0'.repeat(64) })

describe('of a secure study', () => {
  const manifest = manifestOf({ evaluation: { bins: 4, everyRounds: 2 } })
  const leaves = preview(manifest)

  test('the sizes are exactly those of the vectors that a plan names', () => {
    expect(leaves.mode).toBe('secure')
    expect(leaves.items.map(({ purpose, times, values, bytesMax }) => [purpose, times, values, bytesMax])).toEqual([
      ['statistics', 1, 24, 4 * (24 + 16)],
      ['train', 3, 3, 4 * (3 + 16)],
      ['evaluate', 2, 12, 4 * (12 + 16)],
    ])
    for (const { purpose, bytesMax } of leaves.items)
      expect(bytesMax).toBe(secureUploadBytes(secureVectors(purpose, vectorSizes(manifest))))
    expect(leaves.runBytesMax).toBe(160 + 3 * 76 + 2 * 112)
  })

  test.for([3, 4, 30, 255])('with %i sites no key messages are larger than it says', (sites) => {
    const sizes = keyMessageBytes(sites)
    const { times, bytesMax, bytesMaxPerSite } = leaves.keyMessages!
    expect(times).toBe(6)
    expect(sizes).toBeLessThanOrEqual(bytesMax + sites * bytesMaxPerSite)
    // Neither is it a bound that says nothing.
    expect(sizes).toBeGreaterThan(0.6 * (bytesMax + sites * bytesMaxPerSite))
  })

  test('it says that nothing of one site can be read, and warns of nothing', () => {
    expect(leaves.remarks.join('\n')).toMatch(
      /One sum shows no update, loss, count, histogram or accuracy of a single site/,
    )
    expect(leaves.remarks.join('\n')).not.toMatch(/open each one/)
    expect(leaves.warning).toBeUndefined()
  })

  test.for([
    ['uniform', /Every site counts the same/],
    ['bucket', /training rows, rounded down to a power of two, at most 65536/],
    ['exact', /the number of training rows, at most 65536/],
  ] as const)('weights %s are explained', ([weights, words]) => {
    const { remarks } = preview(manifestOf({ aggregation: { mode: 'secure', weights } }))
    expect(remarks.join('\n')).toMatch(words)
  })

  test.for([
    [{ min: 3, quorum: 3 }, {}, 'at least 3 of them', 'no site works'],
    [{ min: 7, quorum: 3 }, {}, 'at least 5 of them', 'no more than 2 sites work'],
    [{ min: 4, quorum: 3 }, { survivorsMin: 4, colluders: 1 }, 'at least 4 of them', 'no more than 1 site works'],
  ] as const)('a cohort of %j with %j names its thresholds', ([cohort, thresholds, fewest, colluding]) => {
    const remarks = preview(manifestOf({ cohort, aggregation: { mode: 'secure', ...thresholds } })).remarks.join('\n')
    expect(remarks).toContain(fewest)
    expect(remarks).toContain(colluding)
  })
})

test('a sealed study is warned of before all else', () => {
  const leaves = preview(manifestOf({ aggregation: { mode: 'sealed' } }))
  expect(leaves).toMatchObject({ mode: 'sealed', warning: expect.stringMatching(/open every single update/) })
  expect(leaves.keyMessages).toBeUndefined()
  expect(leaves.items[1]!.header).toEqual(['examples', 'steps', 'loss', 'clipped'])
  expect(leaves.remarks[0]).toMatch(/can open each one by itself/)
})

/** Everything that one site says besides its vectors in a pass among `sites`, as it goes over the wire. */
function keyMessageBytes(sites: number): number {
  const planHash = 'a'.repeat(64)
  const [signature, hash] = [new Uint8Array(64).fill(1), new Uint8Array(32).fill(1)]
  const rows = Array.from({ length: sites }, (_, i) => ({
    index: i + 1,
    keyCommitment: hash,
    selfCommitment: hash,
    sealed: new Uint8Array(i === 0 ? 0 : sealedShareBytes),
  }))
  const messages: SecureFromSite[] = [
    // Two bytes of index, two keys, nonce, model, and the session before it.
    { type: 'advertise', planHash, body: new Uint8Array(2 + 32 + 32 + 16 + 32 + 34), signature },
    { type: 'share-keys', planHash, selfCommitment: hash, groupCommitment: hash, rows, signature },
    { type: 'confirm', planHash, signature },
    {
      type: 'unmask',
      planHash,
      revealed: rows.map(({ index }) => ({ index, kind: 'b' as const, share: hash })),
      signature,
    },
  ]
  const { Attend, Upload } = federationTypes().Federation.service
  const masked = wireMaskedInput({ root: hash, vectorHashes: [hash, hash], signature })
  const header = { planHash: hash, sha256: hash, size: 2 ** 30, offset: 2 ** 20, masked }
  const announced = Upload.requestSerialize({ header }).length
  return messages.reduce((sum, one) => sum + Attend.requestSerialize(wireSecureFromSite(one)).length, announced)
}
