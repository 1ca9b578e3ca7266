/** Studies that do not hold together are refused before they enter the federation. */
import { encodeModel } from '@consilium/models/onnx/codec.ts'
import { zooModel } from '@consilium/models/zoo/index.ts'
import { errorCode } from '@consilium/protos/errors.ts'
import { sha256Hex } from '@consilium/protos/hash.ts'
import { identityFromSeed } from '@consilium/protos/identity.ts'
import { type StudyManifest, signStudy } from '@consilium/protos/plan/signed-study.ts'
import { expect, test } from 'vitest'
import { checkStudy } from '../../../coordinator/study/check-study.ts'
import { iterate, makeStudy } from '../../support/coordinator-fixture.ts'

const lead = identityFromSeed(new Uint8Array(32).fill(5))
const good = makeStudy()
const [graph, parameters] = good.objects as [Uint8Array, Uint8Array]
const bytesOf = (signed: unknown) => Buffer.from(JSON.stringify(signed))
const named = (bytes: Uint8Array) => ({ sha256: sha256Hex(bytes), bytes: bytes.length })

async function check(manifest: Partial<StudyManifest>, objects: readonly Uint8Array[]): Promise<string> {
  const signed = signStudy({ ...good.manifest, ...manifest }, lead)
  return checkStudy(bytesOf(signed), iterate(objects)).then(() => 'passes', errorCode)
}

test('a study with its objects passes, in any order', async () => {
  expect(await check({}, [graph, parameters])).toBe('passes')
  expect(await check({}, [parameters, graph])).toBe('passes')
})

test('a study whose graph has not one output for each class is refused', async () => {
  const { study } = makeStudy({
    label: { name: 'stage', type: 'category', levels: [1, 2] },
    loss: 'cross-entropy',
  }).manifest
  const signed = signStudy({ ...good.manifest, study, graph: named(threeOutputs) }, lead)
  await expect(checkStudy(bytesOf(signed), iterate([threeOutputs, parameters]))).rejects.toMatchObject({
    code: 'shape-mismatch',
    message: 'the forward graph yields 3 numbers a row, the label needs 2',
  })
})

test('a study edited after it was signed is refused', async () => {
  const edited = { ...good.signed, manifest: { ...good.manifest, study: { ...good.manifest.study, rounds: 3 } } }
  await expect(checkStudy(bytesOf(edited), iterate(good.objects))).rejects.toMatchObject({ code: 'signature-invalid' })
})

const otherGraph = encodeModel(zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 7, outputs: 1 }))
const threeOutputs = encodeModel(zooModel({ from: 'zoo', name: 'logistic-regression' }, { features: 5, outputs: 3 }))
const cut = graph.subarray(0, graph.length - 5)
const short = parameters.subarray(4)
const notFinite = new Uint8Array(parameters)
new DataView(notFinite.buffer).setFloat32(0, Number.NaN, true)
const tooLarge = new Uint8Array(parameters)
new DataView(tooLarge.buffer).setFloat32(0, -1.1e4, true)

test.for([
  ['without its graph', {}, [parameters], 'invalid-argument'],
  ['without its parameters', {}, [graph], 'invalid-argument'],
  ['with an object it does not name', {}, [graph, parameters, otherGraph], 'hash-mismatch'],
  ['with a graph of another size', { graph: { ...named(graph), bytes: 1 } }, [graph, parameters], 'invalid-study'],
  ['with a truncated graph', { graph: named(cut) }, [cut, parameters], 'invalid-onnx'],
  ['with a graph of other columns', { graph: named(otherGraph) }, [otherGraph, parameters], 'shape-mismatch'],
  ['with too few parameters', { initialParameters: named(short) }, [graph, short], 'shape-mismatch'],
  ['with a parameter that is not finite', { initialParameters: named(notFinite) }, [graph, notFinite], 'invalid-study'],
  ['with a parameter that is too large', { initialParameters: named(tooLarge) }, [graph, tooLarge], 'invalid-study'],
  ['with another layout', { layout: [{ name: 'weight', dims: [6] }] }, [graph, parameters], 'shape-mismatch'],
] as const)('a study %s is refused', async ([, manifest, objects, code]) => {
  expect(await check(manifest as Partial<StudyManifest>, objects)).toBe(code)
})
