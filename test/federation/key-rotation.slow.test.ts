/**
 * The coordinator's key is handed on in a deployed federation. What should happen: sites that attend follow at once, one
 * that was away when it comes back, also after the coordinator was killed, and the next run finishes with all of them.
 * What should not happen: a site joins anew, or goes back to the old key.
 */
import { fingerprint } from '@consilium/protos/identity.ts'
import { openJoined } from '@consilium/site-agent/link/identity-files.ts'
import { expect, test } from 'vitest'
import { DeployedFederation, type DeployedSite } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

const pinnedBy = ({ state }: DeployedSite) => fingerprint(openJoined(state).coordinatorPublicKey)

test('every site follows the rotated key, and works for the new one', async () => {
  await using heart = await heartFolder('synthetic', { rounds: 1 })
  await using federation = await DeployedFederation.start(heart.folder)
  const study = await federation.createStudy()
  const [away, ...present] = [...federation.sites.values()]
  const { fingerprint: old } = await federation.admin.showKey()
  expect([...federation.sites.values()].map(pinnedBy)).toEqual(Array(4).fill(old))

  await away!.kill()
  const followed = present.map((site) => site.next(({ type }) => type === 'coordinator-key-rotated'))
  const { fingerprint: rotated } = await federation.admin.rotateKey()
  expect(await Promise.all(followed)).toEqual(
    Array(3).fill({ type: 'coordinator-key-rotated', previous: old, fingerprint: rotated }),
  )
  expect(present.map(pinnedBy)).toEqual(Array(3).fill(rotated))
  expect(pinnedBy(away!)).toBe(old)

  await federation.killCoordinator()
  await federation.startCoordinator()
  expect((await federation.admin.showKey()).fingerprint).toBe(rotated)
  const back = away!.next(({ type }) => type === 'coordinator-key-rotated')
  away!.start()
  await back
  expect(pinnedBy(away!)).toBe(rotated)

  const view = await federation.run(study)
  expect(view).toMatchObject({ state: 'finished', reason: '' })
  expect(view.rounds.at(-1)).toMatchObject({ survivors: [...federation.sites.keys()].sort(), dropouts: [] })
})
