/**
 * A site loses its outbox after its upload, and a coordinator that keeps the upload to itself asks for it again, after the
 * records were corrected. Control: a build that keeps what masks, and does not compare with the root it signed. It masks the
 * other update in the same way, and the difference of both uploads is that of the updates. Here the site drops out before any
 * work: those bytes or nothing (fedsum, section E.6). The comparison is enough for that, and so is that what masks was erased as
 * the root was signed. The coordinator is left with one upload under a mask that it never learns.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ToSite } from '@consilium/coordinator/services.ts'
import type { Identity } from '@consilium/protos/identity.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { planHash } from '@consilium/protos/plan/round-plan.ts'
import { updateName } from '@consilium/protos/secagg/vectors.ts'
import type { StartTrainer } from '@consilium/site-agent/train/trainer.ts'
import { beforeEach, expect, test, vi } from 'vitest'
import type { SessionSecrets } from '../../../site-agent/round/session.ts'
import { droppedIn, refusalsOf } from '../../support/hostile/attacks.ts'
import { type HostileFederation, hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { planIn, type Uploaded } from '../../support/hostile/recorded.ts'
import { leaks } from '../../support/hostile/secrecy.ts'
import { exactWords } from '../../support/hostile/words.ts'
import { madeUpTrainer } from '../../support/made-up-trainer.ts'

const build = vi.hoisted(() => ({
  /** The public key of the one site that runs it. */
  at: '',
  comparesRoot: true,
  erasesKeys: true,
  keys: new Map<string, SessionSecrets>(),
}))

vi.mock(import('../../../site-agent/round/session.ts'), async (load) => {
  const real = await load()
  const isHere = ({ identity }: { readonly identity: Identity }) => build.at === keyOf(identity)
  return {
    ...real,
    assertNotLost(planHash, site) {
      if (build.comparesRoot || !isHere(site)) real.assertNotLost(planHash, site)
    },
    dueSession(planHash, site) {
      const session = real.dueSession(planHash, site)
      if (build.comparesRoot || !isHere(site)) return session
      const { masked: _, ...state } = session.state
      return { ...session, state }
    },
    sealState(state, planHash, site) {
      if (build.erasesKeys || !isHere(site)) return real.sealState(state, planHash, site)
      if (state.secrets) build.keys.set(planHash, structuredClone(state.secrets))
      return real.sealState({ ...state, secrets: build.keys.get(planHash)! }, planHash, site)
    },
  }
})

beforeEach(() => void Object.assign(build, { at: '', comparesRoot: true, erasesKeys: true }))

const losing = 'zurich'

test('control: a build that keeps its keys and compares nothing masks another update in the same way', async () => {
  await using federation = await withBuild({ comparesRoot: false, erasesKeys: false })
  await federation.start()
  await loseOutbox(federation)
  await federation.until(() => uploadsOf(federation).length === 2)
  await federation.until(() => federation.agents.get(losing)!.events.find(({ type }) => type === 'uploaded'))
  const [one, other] = uploadsOf(federation)
  expect(other!.planHash).toBe(one!.planHash)
  const plan = federation.plans.get(one!.planHash)!
  const exact = exactWords(siteNames.indexOf(losing), plan, federation.manifests.get(plan.study)!)
  const [before, after] = [one!, other!].map((upload) => updateIn(upload, federation))
  expect(Math.max(...exact.map(Math.abs))).toBeGreaterThan(1000)
  // The second update is the first one times -1/2; each is rounded to whole levels.
  before!.forEach((word, i) => {
    expect(Math.abs(((word - after![i]!) | 0) - 1.5 * exact[i]!)).toBeLessThan(2)
  })
})

test.for([
  { what: 'the site', changes: {} },
  { what: 'a site that keeps its keys', changes: { erasesKeys: false } },
])('$what drops out before it works, and nothing more leaves', async ({ changes }) => {
  await using federation = await withBuild(changes)
  await expectDropout(federation, ['train 1'])
})

test('without the comparison alone it works again, and has nothing left to mask with', async () => {
  await using federation = await withBuild({ comparesRoot: false })
  const { reason } = await expectDropout(federation, ['train 1', 'train 1'])
  expect(reason).toMatch(/the keys of this session were erased/)
})

const calls: string[] = []

async function withBuild(changes: Partial<typeof build>): Promise<HostileFederation> {
  calls.length = 0
  const federation = await hostileFederation({
    takesUpload: (site, { purpose }) => site === losing && purpose === 'train',
    toSite: ({ site, message }, at) => [...(site === losing ? assignedAgain(message, at) : []), message],
    trainer: (site, number) => (site === losing ? corrected(number) : undefined),
  })
  Object.assign(build, changes, { at: keyOf(federation.joined.get(losing)!.identity) })
  return federation
}

/** With the shares that it asks for once more, the coordinator gives the work once more. */
function assignedAgain(message: ToSite, { recorded }: HostileFederation): ToSite[] {
  if (message.type !== 'shares') return []
  const { planHash: of } = message
  const told = recorded.told.flatMap((one) => (one.site === losing ? [one.message] : []))
  if (!told.some((one) => one.type === 'shares' && one.planHash === of)) return []
  return told.filter((one) => one.type === 'assignment' && planHash(planIn(one.plan)) === of)
}

/** After the first training the records are others. */
function corrected(number: number): StartTrainer {
  return async (options) => {
    const trainer = await madeUpTrainer(number).start(options)
    return {
      ...trainer,
      async train(request) {
        calls.push(`train ${request.round}`)
        const result = await trainer.train(request)
        return calls.length === 1 ? result : { ...result, update: result.update.map((value) => -value / 2) }
      },
    }
  }
}

async function loseOutbox(federation: HostileFederation): Promise<void> {
  await federation.until(() => federation.agents.get(losing)!.events.find(({ type }) => type === 'uploaded'))
  await federation.restartAgent(losing, async (state) => {
    const outbox = join(state, 'outbox')
    for (const file of readdirSync(outbox)) rmSync(join(outbox, file))
  })
}

async function expectDropout(federation: HostileFederation, worked: readonly string[]) {
  const run = await federation.start()
  await loseOutbox(federation)
  const { state, rounds } = await federation.ended(run)
  expect(state).toBe('finished')
  expect(rounds[0]!.survivors).toEqual(siteNames.filter((site) => site !== losing))
  expect(refusalsOf(federation, losing)).toContain('session-lost')
  const entries = await federation.entries(runStream(run))
  expect(droppedIn(federation, entries, losing, 1)).toEqual(['session-lost'])
  expect(calls).toEqual(worked)
  expect(uploadsOf(federation)).toHaveLength(1)
  expect(await leaks(federation)).toEqual([])
  const refused = federation.agents.get(losing)!.events.find((event) => event.type === 'refused')
  return { reason: refused?.type === 'refused' ? refused.reason : '' }
}

function uploadsOf({ recorded, plans }: HostileFederation): Uploaded[] {
  return recorded.uploads.filter(({ site, planHash }) => site === losing && plans.get(planHash)?.purpose === 'train')
}

/** The masked words of the update. */
function updateIn({ bytes, planHash }: Uploaded, { plans }: HostileFederation): Int32Array {
  const vectors = plans.get(planHash)!.secure!.vectors
  const at = vectors.findIndex(({ name }) => name === updateName)
  const start = 4 * vectors.slice(0, at).reduce((sum, { words }) => sum + words, 0)
  return new Int32Array(Uint8Array.from(bytes.subarray(start, start + 4 * vectors[at]!.words)).buffer)
}

function keyOf({ publicKey }: Pick<Identity, 'publicKey'>): string {
  return Buffer.from(publicKey).toString('hex')
}
