/**
 * A coordinator that adds to the weight in each sum before it commits it: the next model lies nearer to the one before than
 * what the sites trained, and another one each time it likes. Control: sites that do not check the tags of the sum compute that
 * very model, sign it and train on from it. The study is too large for the sites to make the sum again from the uploads, so
 * nothing but the tags stands in the way. The coordinator is left with rounds that fail, and no run after two of them.
 */
import { runStream } from '@consilium/protos/log/model-entry.ts'
import type { StudyInput } from '@consilium/protos/plan/study.ts'
import { headerWords } from '@consilium/protos/secagg/header.ts'
import { expect, test, vi } from 'vitest'
import { gatherRefusals, refusalsOf } from '../../support/hostile/attacks.ts'
import { hostileFederation, siteNames } from '../../support/hostile/federation.ts'
import { withoutCheck } from '../../support/hostile/without-check.ts'

const weightAt = 4
const added = 64
const forging = vi.hoisted(() => ({ now: false }))

vi.mock(import('@consilium/coordinator/summing/sum-vector.ts'), async (original) => {
  const real = await original()
  return {
    ...real,
    async *sumVector(...of) {
      for await (const piece of real.sumVector(...of)) {
        if (forging.now && of[0].words === headerWords) piece[weightAt]! += added
        yield piece
      }
    },
  }
})
vi.mock(import('@consilium/protos/secagg/sum-tags.ts'), async (original) =>
  (await import('../../support/hostile/without-check.ts')).switchable(await original(), 'areTagsRight', () => true),
)

const study: Partial<StudyInput> = {
  rounds: 2,
  model: { from: 'zoo', name: 'multi-layer-perceptron', hidden: [300, 300] },
}

test('control: sites that do not check tags compute the model of that weight, sign it and go on from it', async () => {
  const honest = await trained(false)
  const forged = await withoutCheck('areTagsRight', () => trained(true))
  expect([honest.state, forged.state, forged.codes]).toEqual(['finished', 'finished', []])
  expect(forged.weights).toEqual(honest.weights.map((weight) => weight + added))
  expect(forged.startedFrom).toBe(forged.models[0])
})

test('a weight that nobody had is refused by every site, and no round goes on from its model', async () => {
  const { state, codes, models, startedFrom } = await trained(true)
  expect({ state, codes }).toEqual({ state: 'failed', codes: siteNames.map(() => 'sum-not-verified') })
  expect(models).not.toContain(startedFrom)
})

/** A run under a coordinator that adds to each weight, or does not: what its log says, and from where its second round started. */
async function trained(isForged: boolean) {
  forging.now = isForged
  try {
    await using federation = await hostileFederation({ fromSite: gatherRefusals(siteNames.length) })
    const { run, state } = await federation.run(study)
    const sums = (await federation.entries(runStream(run))).flatMap(({ type, body }) => {
      const { result } = body as unknown as Committed
      return type === 'round-committed' && result.purpose === 'train' ? [result] : []
    })
    const second = [...federation.plans.values()].filter(({ purpose }) => purpose === 'train')[1]
    return {
      state,
      codes: siteNames.flatMap((site) => refusalsOf(federation, site, 1)),
      weights: sums.map(({ examples }) => examples),
      models: sums.map(({ parameters }) => parameters),
      startedFrom: second?.model,
    }
  } finally {
    forging.now = false
  }
}

type Committed = {
  readonly result: { readonly purpose: string; readonly examples: number; readonly parameters: string }
}
