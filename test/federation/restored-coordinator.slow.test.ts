/**
 * Honest work that goes wrong: the coordinator's home folder is put back from an old copy, in a deployed federation. What
 * should happen: it runs nothing and names what is missing, `consilium recover` ends what was lost, who was sent away stays
 * out, and the study runs again among the sites that go along, to the very same model. What should not happen: a site let in
 * again that was revoked, a run's name used twice, a site that forgets.
 */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { consilium } from '../support/admin-fixture.ts'
import { DeployedFederation, type DeployedSite } from '../support/deployed-federation.ts'
import { heartFolder } from '../support/heart-federation.ts'

const refused = expect.objectContaining({ code: 'coordinator-restored' })

/** What the operator types, beside the coordinator. */
async function atCoordinator({ home }: DeployedFederation, ...words: readonly string[]) {
  const { code, stdout, stderr } = await consilium(...words, '--json', '--home', home)
  return { code, said: JSON.parse(stdout || stderr) }
}

/** Half of them by a person, half by their policy; resolves once each has gone along. */
async function goAlong(sites: readonly DeployedSite[]): Promise<void> {
  for (const [i, site] of sites.entries())
    if (i % 2 === 0) expect(await site.command('coordinator', 'accept', '--yes')).toMatchObject({ epoch: 2 })
    else await appendFile(join(site.state, 'policy.yaml'), 'recovery: { accept: true }\n')
}

/** All agents end, the old copy is put back, and nobody attends yet. */
async function restore(federation: DeployedFederation, copy: string): Promise<readonly DeployedSite[]> {
  const sites = [...federation.sites.values()]
  await Promise.all(sites.map((site) => site.stop()))
  await federation.putBack(copy)
  return sites
}

const started = (site: DeployedSite) => site.events.filter(({ type }) => type === 'work-started').length

test('put back from a copy made in the middle of a run, with a site revoked since', async () => {
  await using heart = await heartFolder('synthetic', { rounds: 3 })
  await using federation = await DeployedFederation.start(heart.folder)
  const geneva = await federation.join('geneva', [...federation.sites.values()][0]!.folder)
  geneva.start()
  await geneva.next(({ type }) => type === 'link-up')
  const study = await federation.createStudy()
  const { run } = await federation.admin.startRun(study)
  for await (const { rounds } of federation.admin.watchRun(run)) if (rounds.some(({ round }) => round === 1)) break
  const copy = await federation.backUp()
  const lost = await federation.watch(run)
  expect(lost).toMatchObject({ state: 'finished' })
  const heard = [...federation.sites.values()].map((site) => site.next(({ type }) => type === 'site-revoked'))
  await federation.admin.revokeSite('geneva', 'left the consortium')
  expect(await Promise.all(heard)).toEqual(heard.map(() => expect.objectContaining({ site: 'geneva' })))
  await geneva.exited()

  const sites = await restore(federation, copy)
  // Control: while nobody attends who has proof, the old copy lets in whom it had sent away.
  geneva.start()
  await geneva.next(({ type }) => type === 'link-up')
  expect(await federation.admin.listSites()).toContainEqual(
    expect.objectContaining({ name: 'geneva', state: 'enrolled', attending: true }),
  )
  const before = sites.map(started)
  for (const site of sites) site.start()
  await geneva.exited()
  const { said: status } = await atCoordinator(federation, 'status')
  expect(status).toMatchObject({ restored: true, openRuns: [run], revoked: ['geneva'] })
  expect(status.losses.map(({ text }: { text: string }) => text)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^federation has \d+ entries here, .* holds this coordinator's signature on \d+/),
      expect.stringMatching(new RegExp(`^run/${run} has \\d+ entries here`)),
      expect.stringMatching(/^geneva was revoked on /),
    ]),
  )
  await expect(federation.admin.startRun(study)).rejects.toEqual(refused)
  await expect(federation.admin.addSite('geneva', 10)).rejects.toEqual(refused)

  const recovered = sites.map((site) => site.next(({ type }) => type === 'coordinator-recovered'))
  expect(await atCoordinator(federation, 'recover', '--yes')).toMatchObject({
    code: 0,
    said: { epoch: 2, openRuns: [run], revoked: ['geneva'] },
  })
  expect(await atCoordinator(federation, 'recover', '--yes')).toMatchObject({
    code: 3,
    said: { error: { code: 'not-restored' } },
  })
  await Promise.all(recovered)
  expect(sites.map(started)).toEqual(before)
  await goAlong(sites)
  const again = await federation.run(study)
  expect(again).toMatchObject({ state: 'finished', reason: '', parametersSha256: lost.parametersSha256! })
  expect(again.run).toMatch(/-r2-1$/)
  expect(again.rounds.at(-1)!.survivors).toEqual(sites.map(({ name }) => name).sort())
  expect(await federation.admin.listSites()).toContainEqual(
    expect.objectContaining({ name: 'geneva', state: 'revoked', attending: false }),
  )
  expect(await atCoordinator(federation, 'log', 'verify')).toMatchObject({ code: 0 })
})

test('put back from the very first backup, before any study', async () => {
  await using heart = await heartFolder('synthetic', { rounds: 1 })
  await using federation = await DeployedFederation.start(heart.folder)
  const copy = await federation.backUp()
  const lost = await federation.run(await federation.createStudy())
  expect(lost).toMatchObject({ state: 'finished' })

  const sites = await restore(federation, copy)
  const behind = sites.map((site) => site.next(({ type }) => type === 'coordinator-went-back'))
  for (const site of sites) site.start()
  await Promise.all(behind)
  await expect(federation.createStudy()).rejects.toEqual(refused)
  const recovered = sites.map((site) => site.next(({ type }) => type === 'coordinator-recovered'))
  expect(await atCoordinator(federation, 'recover', '--yes')).toMatchObject({
    code: 0,
    said: { epoch: 2, openRuns: [], lostRuns: [lost.run] },
  })
  await Promise.all(recovered)
  await goAlong(sites)
  // The lead uploads the same study again; the sites know that they approved it, and the columns that they summed.
  const again = await federation.run(await federation.createStudy())
  expect(again).toMatchObject({ state: 'failed', reason: expect.stringContaining('column-summed: ') })
  const perSite = await federation.run(await federation.createStudy({ standardisation: 'per-site' }))
  expect(perSite).toMatchObject({ state: 'finished', reason: '' })
  expect(perSite.rounds.at(-1)!.survivors).toEqual(sites.map(({ name }) => name).sort())
  expect(new Set([lost.run, again.run, perSite.run]).size).toBe(3)
})
