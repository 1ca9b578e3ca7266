/** A coordinator that shows a site other keys than its peers advertised: check S2 ends it. */
import { randomBytes } from 'node:crypto'
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { planHash } from '@consilium/protos/plan/round-plan.ts'
import { readAdvertisement } from '@consilium/protos/secagg/advertisement.ts'
import { generateAgreementKeys } from '@consilium/protos/secagg/keys.ts'
import type { Advertised } from '@consilium/protos/secagg/messages.ts'
import {
  type Advertisement,
  advertisedBody,
  advertiseMessage,
  signMessage,
} from '@consilium/protos/secagg/signed-messages.ts'
import { expect, test } from 'vitest'
import {
  type Attack,
  attackEachRound,
  droppedIn,
  gatherRefusals,
  refusalsOf,
  refused,
  type Scene,
  sceneOf,
} from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { leaks } from '../../support/hostile/secrecy.ts'

type Directory = Extract<ToSite, { type: 'directory' }>

const attacks: readonly Attack<'directory'>[] = [
  {
    what: "the coordinator's own keys in place of a peer's",
    code: 'directory-invalid',
    lie: (directory) => [replace(directory, 2, (entry) => ({ ...entry, body: changed(entry.body, ownKeys()) }))],
  },
  {
    what: "the coordinator's own keys, signed by itself",
    code: 'directory-invalid',
    lie: (directory, { federation, ...at }) => [
      replace(directory, 2, (entry) => signed(entry, ownKeys(), federation.identity, { federation, ...at })),
    ],
  },
  {
    what: 'two sites only',
    code: 'directory-invalid',
    lie: (directory) => [{ ...directory, sites: directory.sites.slice(2) }],
  },
  {
    what: "the site's own keys changed",
    code: 'directory-invalid',
    lie: (directory) => [replace(directory, 4, (entry) => ({ ...entry, body: changed(entry.body, ownKeys()) }))],
  },
  {
    what: "the site's own keys changed and signed with its identity",
    code: 'directory-invalid',
    lie: (directory, at) => [replace(directory, 4, (entry) => signed(entry, ownKeys(), at.identity('zurich'), at))],
  },
  {
    what: 'the site itself left out',
    code: 'directory-invalid',
    lie: (directory) => [{ ...directory, sites: directory.sites.slice(0, 3) }],
  },
  {
    what: 'a colluding site with the keys of another',
    code: 'directory-invalid',
    lie(directory, at) {
      const { channelKey, maskKey } = readAdvertisement(directory.sites[2]!.body)
      return [replace(directory, 2, (entry) => signed(entry, { channelKey, maskKey }, at.identity('cleveland'), at))]
    },
  },
  {
    what: 'a colluding site that trained another model',
    code: 'directory-invalid',
    lie: (directory, at) => [
      replace(directory, 2, (entry) => signed(entry, { modelHash: randomBytes(32) }, at.identity('cleveland'), at)),
    ],
  },
  {
    what: 'a colluding site with a key of low order',
    code: 'directory-invalid',
    lie: (directory, at) => [
      replace(directory, 2, (entry) => signed(entry, { maskKey: new Uint8Array(32) }, at.identity('cleveland'), at)),
    ],
  },
  {
    what: 'a colluding site under the index of another',
    code: 'directory-invalid',
    lie: (directory, at) => [
      replace(directory, 2, (entry) => signed(entry, { index: 3 }, at.identity('cleveland'), at)),
    ],
  },
  {
    what: 'keys of a peer from an earlier round',
    code: 'directory-invalid',
    lie(directory, { federation }) {
      const earlier = federation.recorded.told.find(({ message }) => message.type === 'directory')!.message as Directory
      return [replace(directory, 2, () => earlier.sites[1]!)]
    },
  },
  {
    what: 'a second, other directory after the first',
    code: 'directory-invalid',
    lie: (directory) => [directory, { ...directory, sites: directory.sites.filter(({ index }) => index !== 2) }],
  },
]

test('every directory that is not what the sites advertised is refused, and the others finish', async () => {
  expect(await attackEachRound('directory', attacks)).toEqual(refused(attacks))
})

test('a coordinator between all sites, with keys of its own for each, gets no round done', async () => {
  await using federation = await hostileFederation({
    fromSite: gatherRefusals(4),
    toSite({ site, message }, at) {
      if (message.type !== 'directory') return [message]
      const plan = at.planOf(message)!
      const sites = message.sites.map((entry) =>
        plan.cohort[entry.index - 1] === site ? entry : signed(entry, ownKeys(), at.identity, sceneOf(at, plan, site)),
      )
      return [{ ...message, sites }]
    },
  })
  const view = await federation.run()
  expect(view.state).toBe('failed')
  const entries = await federation.entries(runStream(view.run))
  for (const site of siteNames) expect(refusalsOf(federation, site)).toContain('directory-invalid')
  expect(siteNames.flatMap((site) => droppedIn(federation, entries, site))).toContain('directory-invalid')
  expect(federation.recorded.heard.some(({ message }) => message.type === 'share-keys')).toBe(false)
  expect(await leaks(federation)).toEqual([])
})

function replace(directory: Directory, index: number, change: (entry: Advertised) => Advertised): Directory {
  return {
    ...directory,
    sites: directory.sites.map((entry) => (entry.index === index ? { ...change(entry), index } : entry)),
  }
}

function changed(body: Uint8Array, changes: Partial<Advertisement>): Uint8Array {
  return advertisedBody({ ...readAdvertisement(body), ...changes })
}

/** The entry with another body, signed anew. */
function signed(entry: Advertised, changes: Partial<Advertisement>, identity: Identity, { plan }: Scene): Advertised {
  const body = changed(entry.body, changes)
  const message = advertiseMessage(Buffer.from(planHash(plan), 'hex'), plan.cohort[entry.index - 1]!, body)
  return { ...entry, body, signature: signMessage(identity, message) }
}

function ownKeys(): Pick<Advertisement, 'channelKey' | 'maskKey'> {
  return { channelKey: generateAgreementKeys().publicKey, maskKey: generateAgreementKeys().publicKey }
}
