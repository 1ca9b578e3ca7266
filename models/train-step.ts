/**
 * The training step: forward graph, loss and optimizer compiled to one ONNX graph whose Loop runs many minibatches in
 * one session run. Rows are taken inside the graph by an order input, so shuffling copies nothing, and neither learning
 * rate nor batch composition is baked in. Runs compose: the parameters and state after 100 steps are bit for bit those
 * after 50 and 50 (the reported losses agree to rounding).
 *
 * Inputs: `features` float32 [N, ...row]; `labels` float32 [N,1], or int64 [N] for classes; `order` int64 [T,B], the
 * rows of each minibatch; `mask` float32 [T,B], 1 for a row and 0 for the padding of a ragged batch; `learning_rate`
 * float32 []; `step` int64 [], the steps done before; `parameters` float32 [d]; `optimizer_state` float32 [s] (absent
 * where s is 0, since an input of no elements serves nobody).
 *
 * Outputs: `new_parameters` float32 [d]; `new_optimizer_state` float32 [s] (absent where s is 0); `losses` float32 [T],
 * each the mean over its minibatch's unmasked rows, before that step's update.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Loss, Optimizer } from '@consilium/protos/plan/study.ts'
import { backward } from './autodiff/backward.ts'
import { foldUpdates } from './fold-updates.ts'
import { type ForwardGraph, forwardGraph, inlineForward } from './forward.ts'
import { type LossFunction, losses } from './losses.ts'
import { type GraphBuilder, graphBuilder, type Ref } from './onnx/builder.ts'
import { checkGraph } from './onnx/check.ts'
import { type Model, modelOf } from './onnx/graph.ts'
import { type OptimizerChain, optimizerChain, slotCount } from './optimizers.ts'
import { checkLayout, joinParameters, parameterCount, splitParameters, type TensorLayout } from './parameters.ts'

export type TrainingStepOptions = {
  readonly forward: Model
  /** What training changes, from `parameterLayout`. */
  readonly layout: TensorLayout
  readonly loss: Loss
  /** Its learning rate is ignored: that is an input. */
  readonly optimizer: Optimizer
  /** Rows of a minibatch, fixed for the graph. */
  readonly batchSize: number
  /** Columns of the design matrix, checked against the forward graph. */
  readonly features: number
}

export type TrainingStep = {
  readonly model: Model
  /** Length of the optimizer state: 0 for SGD, d for momentum, 2d for Adam. All zeros at the start of training. */
  readonly optimizerStateLength: number
}

export function trainingStep(options: TrainingStepOptions): TrainingStep {
  const { layout, batchSize } = options
  const forward = forwardGraph(options.forward, options.loss)
  checkOptions(options, forward)
  checkLayout(options.forward, layout)
  const loss = losses[options.loss]
  const chain = optimizerChain(options.optimizer)
  const count = parameterCount(layout)
  const stateLength = slotCount(chain) * count

  const g = graphBuilder()
  const features = g.input('features', 'float32', ['rows', ...forward.rowDims])
  const labels = g.input('labels', loss.labelType, loss.labelRank === 2 ? ['rows', 1] : ['rows'])
  const order = g.input('order', 'int64', ['steps', batchSize])
  const mask = g.input('mask', 'float32', ['steps', batchSize])
  const learningRate = g.input('learning_rate', 'float32', [])
  const step = g.input('step', 'int64', [])
  const parameters = g.input('parameters', 'float32', [count])
  const state = stateLength > 0 ? g.input('optimizer_state', 'float32', [stateLength]) : undefined

  const targets = g.within('targets', () => loss.targets(g, g.gather(labels, order), forward.outputs))
  const shares = rowShares(g, mask)
  const weights = g.unsqueeze(chain.scalesLoss ? g.mul(shares, learningRate) : shares, [-1])
  const perStep = perStepNumbers(g, chain, learningRate, step, order)
  const slotSizes = Array.from({ length: slotCount(chain) }, () => count)
  const slots = state ? g.split(state, slotSizes, 0) : []
  const cut = (vector: Ref) => (chain.packed ? [vector] : splitParameters(g, layout, vector))
  const carried = [parameters, ...slots].map(cut)

  const batch = { features, order, targets, weights, perStep }
  const results = loopOverBatches(g, { forward, layout, loss, chain, batch, carried })
  const width = carried[0]?.length ?? 0
  const joined = carried.map((_, i) => joinParameters(g, results.slice(i * width, (i + 1) * width)))
  g.output('new_parameters', joined[0] as Ref)
  if (state) g.output('new_optimizer_state', g.concat(joined.slice(1), 0))
  g.output(
    'losses',
    g.within('losses', () => meanLosses(g, loss, results.at(-1) as Ref, targets, shares)),
  )
  return { model: modelOf(checkGraph(g.finish('training_step'))), optimizerStateLength: stateLength }
}

type Body = {
  readonly forward: ForwardGraph
  readonly layout: TensorLayout
  readonly loss: LossFunction
  readonly chain: OptimizerChain
  readonly batch: { features: Ref; order: Ref; targets: Ref; weights: Ref; perStep: readonly Ref[] }
  /** Parameters, then each slot of the optimizer's state; each as tensors, or as one packed vector. */
  readonly carried: readonly (readonly Ref[])[]
}

/** Adds the Loop; yields the carried values at its end, then the logits of every step [T,B,outputs]. */
function loopOverBatches(g: GraphBuilder, work: Body): Ref[] {
  const { layout, chain, batch, carried } = work
  const body = graphBuilder(g)
  const iteration = body.input('iteration', 'int64', [])
  const condition = body.input('condition', 'bool', [])
  const name = (slot: number, i: number) => carriedName(chain, layout, slot, i)
  const [own = [], ...slots] = carried.map((refs, slot) =>
    refs.map((ref, i) => body.input(name(slot, i), 'float32', g.dims(ref))),
  )
  const tensors = chain.packed ? splitParameters(body, layout, own[0] as Ref) : own
  const { logits, gradients } = forwardAndBackward(body, work, iteration, tensors)
  const changes = chain.packed ? [body.within('gradient', () => joinParameters(body, gradients))] : gradients
  const perStep = body.within('batch', () => batch.perStep.map((numbers) => body.gather(numbers, iteration)))
  const updated = own.map((parameter, i) => {
    const ownSlots = slots.map((slot) => slot[i] as Ref)
    return body.within('update', () => update(body, chain, parameter, changes[i] as Ref, ownSlots, perStep))
  })
  body.output('condition_out', condition)
  for (const slot of carried.keys())
    updated.forEach((refs, i) => {
      body.output(`${name(slot, i)}/next`, refs[slot] as Ref)
    })
  body.output('logits', logits)
  const graph = body.finish('step', {}, (nodes, outputs) => foldUpdates(body, nodes, outputs))
  const steps = g.gather(g.shape(batch.order), g.constant('int64', 0))
  const inputs = [steps, '', ...carried.flat()]
  return g.ops('Loop', inputs, { body: { kind: 'graph', value: graph } }, inputs.length - 1)
}

/** One minibatch through the model and back: its logits, and the gradient of each tensor. */
function forwardAndBackward(
  body: GraphBuilder,
  { forward, layout, loss, batch }: Body,
  iteration: Ref,
  tensors: readonly Ref[],
): { readonly logits: Ref; readonly gradients: readonly Ref[] } {
  const rows = (of: Ref) => body.within('batch', () => body.gather(of, iteration))
  const order = rows(batch.order)
  const x = body.within('batch', () => body.gather(batch.features, order))
  const [targets, weights] = [rows(batch.targets), rows(batch.weights)]
  const before = body.nodes().length
  const logits = inlineForward(body, forward, x, layout, tensors)
  const seed = body.within('loss/grad', () => loss.gradient(body, logits, targets, weights))
  const found = backward(body, body.nodes().slice(before), new Map([[logits, seed]]), tensors)
  const gradients = tensors.map((tensor, i) => found.get(tensor) ?? withoutGradient(layout[i]?.name))
  return { logits, gradients }
}

function carriedName(chain: OptimizerChain, layout: TensorLayout, slot: number, i: number): string {
  const tensor = chain.packed ? 'packed' : (layout[i]?.name ?? '')
  return slot === 0 ? tensor : `${tensor}/slot${slot}`
}

/** One parameter through the chain: its new value, then its new slots. */
function update(
  g: GraphBuilder,
  chain: OptimizerChain,
  parameter: Ref,
  gradient: Ref,
  slots: readonly Ref[],
  perStep: readonly Ref[],
): Ref[] {
  let change = gradient
  const newSlots: Ref[] = []
  for (const transformation of chain.transformations) {
    const own = slots.slice(newSlots.length, newSlots.length + transformation.slots)
    const result = transformation.apply(g, change, own, perStep)
    change = result.gradient
    newSlots.push(...result.slots)
  }
  return [g.sub(parameter, change), ...newSlots]
}

/** Each row's share of its minibatch's mean: the mask over the number of rows in it (at least 1, so that a batch of padding has loss 0). */
function rowShares(g: GraphBuilder, mask: Ref): Ref {
  return g.within('mask', () => g.div(mask, g.op('Max', [g.reduceSum(mask, [1], true), g.like(mask, 1)])))
}

function meanLosses(g: GraphBuilder, loss: LossFunction, logits: Ref, targets: Ref, shares: Ref): Ref {
  return g.reduceSum(g.mul(loss.rowLosses(g, logits, targets), shares), [1], false)
}

function perStepNumbers(g: GraphBuilder, chain: OptimizerChain, learningRate: Ref, step: Ref, order: Ref): Ref[] {
  return g.within('schedule', () => {
    if (!chain.transformations.some((transformation) => transformation.perStep)) return []
    const [zero, one] = [g.constant('int64', 0), g.constant('int64', 1)]
    const counts = g.op('Range', [zero, g.gather(g.shape(order), zero), one])
    const numbers = g.cast(g.add(counts, g.add(step, one)), 'float64')
    return chain.transformations.flatMap((transformation) => transformation.perStep?.(g, learningRate, numbers) ?? [])
  })
}

function withoutGradient(name: string | undefined): never {
  throw new FederationError('no-gradient', `the loss does not depend on the parameter '${name}': freeze it`)
}

function checkOptions({ layout, features, batchSize }: TrainingStepOptions, forward: ForwardGraph): void {
  if (layout.length === 0)
    throw new FederationError('invalid-onnx', 'the model has nothing to train: no float32 parameters reach its output')
  if (!Number.isSafeInteger(batchSize) || batchSize < 1)
    throw new FederationError('invalid-argument', `the batch size ${batchSize} is not a whole number above 0`)
  if (forward.rowDims.length !== 1 || forward.rowDims[0] !== features)
    throw new FederationError(
      'shape-mismatch',
      `the model takes rows of [${forward.rowDims}], the study's features make ${features} columns`,
    )
}
