/**
 * A coordinator to which a site of the round gave the group secret: it forges a sum with the right tags. Sites make the sum
 * again from the uploads and refuse it (E.3). The control: the tags by themselves let it pass.
 */
import { sha256Hex } from '@consilium/protos/hash.ts'
import { addHeader, areTagsRight, sumTagger, withTags } from '@consilium/protos/secagg/sum-tags.ts'
import { expect, test } from 'vitest'
import { refusalsOf, target } from '../../support/hostile/attacks.ts'
import type { VerifySum } from '../../support/hostile/bent-sum.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'

test('a sum forged with the group secret, which a site gave away, is refused by every other one', async () => {
  let passed = 0
  await using federation = await hostileFederation({
    sites: { [target]: {} },
    toSite({ site, message }, at) {
      if (message.type !== 'verify-sum' || site === target) return [message]
      const { groupSecret, sid } = at.hostile.get(target)!.me.session(message.planHash)!
      const forged = forge(message.words!, groupSecret!, sid!)
      if (forged.areTagsRight) passed += 1
      return [{ ...message, words: forged.bytes, sums: sha256Hex(forged.bytes) } satisfies VerifySum]
    },
  })
  expect((await federation.run({ rounds: 1 })).state).toBe('failed')
  expect(passed).toBeGreaterThanOrEqual(3)
  for (const site of siteNames.filter((name) => name !== target))
    expect(refusalsOf(federation, site, 1)).toEqual(['sum-not-verified'])
})

/** The update of all, with 1024 of its smallest steps more in one parameter. */
function forge(sum: Uint8Array, group: Uint8Array, sid: Uint8Array) {
  const words = new Int32Array(Uint8Array.from(sum).buffer)
  words[20]! += 1024
  const tagger = sumTagger(group, sid)
  addHeader(tagger, words.subarray(0, 16))
  tagger.add(words.subarray(16), 'centred')
  words.set(withTags(words.subarray(0, 16), tagger.tags()))
  const bytes = new Uint8Array(words.buffer)
  return { bytes, areTagsRight: areTagsRight(words.subarray(0, 16), tagger.tags()) }
}
