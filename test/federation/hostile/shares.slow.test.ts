/** A coordinator that lies about who shared its keys, or about what they sealed: checks S3 and S4 end it. */
import type { ToSite } from '@consilium/coordinator/services.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { expect, test } from 'vitest'
import {
  type Attack,
  attackEachRound,
  droppedIn,
  gatherRefusals,
  refusalsOf,
  refused,
} from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

type Shares = Extract<ToSite, { type: 'shares' }>

const attacks: readonly Attack<'shares'>[] = [
  attack('fewer sharers than a sum must have', (shares) => only(shares, [3, 4])),
  attack('the others without the site', (shares) => only(shares, [1, 2, 3])),
  attack('a sharer that nobody signed for', (shares) => change(shares, 2, { signature: new Uint8Array(64) })),
  attack('a sharer with the signature of another', (shares) =>
    change(shares, 2, { signature: shares.sharers[0]!.signature, shareKeysHash: shares.sharers[0]!.shareKeysHash }),
  ),
  attack('other shared keys of the site itself', (shares) => change(shares, 4, { shareKeysHash: new Uint8Array(32) })),
  attack('a sharer that never advertised', (shares) => ({
    ...shares,
    sharers: [...shares.sharers, { ...shares.sharers[0]!, index: 5 }],
  })),
  attack('a share missing', (shares) => ({ ...shares, received: shares.received.slice(1) })),
  attack("the shares of two dealers in each other's place", ({ received, ...shares }) => ({
    ...shares,
    received: received.map((row, i) => ({ ...received[[1, 0, 2][i]!]!, index: row.index })),
  })),
  attack('a sealed share changed on the way', ({ received, ...shares }) => ({
    ...shares,
    received: received.map((row, i) => (i === 0 ? { ...row, sealed: new Uint8Array(136) } : row)),
  })),
]

test('sharers and shares that are not as they were sent are refused, and the others finish', async () => {
  expect(await attackEachRound('shares', attacks)).toEqual(refused(attacks))
})

test('different sharers to different sites: their masks are others, and no survivor set fits both', async () => {
  await using federation = await hostileFederation({
    takesUpload: () => true,
    fromSite: gatherRefusals(4),
    toSite: ({ site, message }) =>
      message.type === 'shares' && ['hungary', 'zurich'].includes(site) ? [only(message, [1, 3, 4])] : [message],
  })
  const run = await federation.start()
  const { uploads } = federation.recorded
  await federation.until(() => uploads.length === 4 && uploads.every(({ bytes }) => bytes.length > 0))
  const { planHash } = uploads[0]!
  const survivors = uploads
    .map(({ site, masked }) => ({ index: federation.plans.get(planHash)!.cohort.indexOf(site) + 1, ...masked }))
    .toSorted((a, b) => a.index - b.index)
    .map(({ index, root, signature }) => ({ index, root, signature }))
  const { logHead } = federation.plans.get(planHash)!
  for (const site of siteNames)
    federation.say(site, {
      type: 'survivors',
      planHash,
      survivors: survivors.filter(({ index }) => index !== 2 || ['basel', 'cleveland'].includes(site)),
      logHead,
    })
  expect((await federation.ended(run)).state).toBe('failed')
  for (const site of siteNames) expect(refusalsOf(federation, site)).toEqual(['survivors-invalid'])
  const entries = await federation.entries(runStream(run))
  expect(siteNames.flatMap((site) => droppedIn(federation, entries, site))).toContain('survivors-invalid')
  expect(await leaks(federation)).toEqual([])
})

function attack(what: string, bend: (shares: Shares) => Shares): Attack<'shares'> {
  return { what, code: 'shares-invalid', lie: (shares) => [bend(shares)] }
}

/** As if only these had shared their keys. */
function only(shares: Shares, indices: readonly number[]): Shares {
  const isMeant = ({ index }: { readonly index: number }) => indices.includes(index)
  return { ...shares, sharers: shares.sharers.filter(isMeant), received: shares.received.filter(isMeant) }
}

function change(shares: Shares, index: number, changes: Partial<Shares['sharers'][number]>): Shares {
  return {
    ...shares,
    sharers: shares.sharers.map((sharer) => (sharer.index === index ? { ...sharer, ...changes } : sharer)),
  }
}
