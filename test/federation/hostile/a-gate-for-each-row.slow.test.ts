/**
 * A lead's own graph with one gate for each cholesterol value, and one step on all rows: whoever's value nobody shares stands
 * in the sum of all four hospitals, whole. A policy lets no such study pass without a person; and where people accept graph,
 * parameters and step, the update is mostly zeros and does not leave. The lead is left with "0 of 4 contributed"; or with
 * people who accept that too, and then with the records, as the control shows.
 */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { parameterLayout } from '@consilium/models/parameters.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { runStream } from '@consilium/protos/log/model-entry.ts'
import { studySchema } from '@consilium/protos/plan/study.ts'
import { defaultPolicy } from '@consilium/site-agent/policy.ts'
import { expect, test } from 'vitest'
import { aStudy } from '../../support/a-study.ts'
import { gateFrozen, gateGraph } from '../../support/gate-graph.ts'
import { skipWithoutRealData } from '../../support/heart-federation.ts'
import { type HostileFederation, hostileFederation } from '../../support/hostile/federation.ts'
import { heartStudy, hearts } from '../../support/hostile/heart.ts'
import { atSite } from '../../support/hostile/people.ts'

const gates = 604
const read = ['cholesterol', 'age', 'male', 'heart_rate_max'] as const
const policy = () => ({ approve: defaultPolicy.approve, rows: { rowsMin: 20, testRowsMin: 0 } })

test.skipIf(skipWithoutRealData)('no policy lets it pass, and what people let pass is not sent', async () => {
  const { names = [], ...lies } = await hearts()
  await using federation = await hostileFederation({ names, ...lies, policy })
  const study = await federation.offerOwn(gateStudy())
  for (const name of names) {
    const { events } = federation.agents.get(name)!
    const offered = await federation.until(() => events.find(({ type }) => type === 'study-offered'))
    expect(offered).toMatchObject({ breaks: expect.stringMatching(/^graph: .*; parameters: .*; steps: /) })
    await atSite(federation, name, 'study', 'approve', study, '--accept', 'graph,parameters,steps')
  }
  await federation.approved(study, names.length)
  const { run, state, reason } = await federation.ended(await federation.startRun(study))
  expect([state, reason]).toEqual(['failed', expect.stringMatching(/^train round 1 failed: 0 of 4 sites contributed/)])
  for (const name of names)
    expect(federation.agents.get(name)!.events).toContainEqual(
      expect.objectContaining({ type: 'nothing-to-give', reason: expect.stringMatching(/exactly zero/) }),
    )
  expect((await federation.entries(runStream(run))).some(({ type }) => type === 'round-committed')).toBe(false)
})

test.skipIf(skipWithoutRealData)(
  'control: where updates of zeros are sent, one sum holds dozens of records',
  async () => {
    const { names = [], records, ...lies } = await hearts()
    await using federation = await hostileFederation({ names, ...lies })
    const study = await federation.offerOwn(gateStudy())
    await federation.approved(study, names.length)
    const { state, parametersSha256 } = await federation.ended(await federation.startRun(study))
    expect(state).toBe('finished')
    const sum = await parametersOf(federation, parametersSha256!)
    const weightOf = (feature: number, gate: number) => sum[feature * gates + gate]!
    const whole = [...records.values()].flat().filter((patient) => read.every((name) => !Number.isNaN(patient[name])))
    const alone = whole.filter(
      ({ cholesterol }, _, all) => all.filter((one) => one.cholesterol === cholesterol).length === 1,
    )
    expect(alone.length).toBeGreaterThan(60)
    for (const patient of alone) {
      const gate = patient.cholesterol
      const values = read.map((_, feature) => Math.round((gate * weightOf(feature, gate)) / weightOf(0, gate)) + 0)
      expect([...values, weightOf(0, gate) > 0 ? 1 : 0]).toEqual([
        ...read.map((name) => patient[name]),
        patient.disease,
      ])
    }
  },
)

function gateStudy() {
  const model = gateGraph(gates, read.length)
  const [graph, start] = [encodeModel(model), new Uint8Array(4 * read.length * gates)]
  const study = studySchema.parse({
    ...aStudy,
    ...heartStudy,
    model: { from: 'onnx', path: 'gates.onnx', frozen: gateFrozen },
    features: read.map((name) =>
      name === 'male' ? { name, type: 'boolean', missing: 'drop-row' } : { name, type: 'number', missing: 'drop-row' },
    ),
    split: { by: 'hash', key: 'record', testFraction: 0 },
    standardisation: 'none',
    optimizer: { name: 'sgd', learningRate: 1 },
    localTraining: { steps: 1, batchSize: 'full' },
    updateNormMax: 1000,
    rounds: 1,
  })
  const layout = parameterLayout(model, gateFrozen).map(({ name, dims }) => ({ name, dims: [...dims] }))
  const [graphRef, startRef] = [graph, start].map((bytes) => ({ sha256: sha256Hex(bytes), bytes: bytes.length }))
  const manifest = { format: 1 as const, study, graph: graphRef!, layout, initialParameters: startRef! }
  return { manifest, objects: [graph, start] }
}

async function parametersOf({ objects }: HostileFederation, sha256: string): Promise<Float32Array> {
  return new Float32Array(Uint8Array.from(await objects.get(sha256)).buffer)
}
