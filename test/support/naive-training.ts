/** Training of a multi-layer perceptron in plain double-precision loops: slow, and written from the textbook formulas. */
import type { Loss, Optimizer } from '@consilium/protos/plan/study.ts'

export type NaiveNetwork = {
  /** Widths: features, hidden layers, outputs. */
  readonly widths: readonly number[]
  readonly activation: 'relu' | 'tanh' | 'sigmoid'
  readonly loss: Loss
}
export type NaiveState = { readonly parameters: number[]; readonly m: number[]; readonly v: number[]; step: number }
export type NaiveBatch = { readonly rows: readonly (readonly number[])[]; readonly labels: readonly number[] }

export function naiveState(parameters: ArrayLike<number>): NaiveState {
  const zeros = () => new Array<number>(parameters.length).fill(0)
  return { parameters: Array.from(parameters), m: zeros(), v: zeros(), step: 0 }
}

/** One step on one minibatch; yields its mean loss before the step. */
export function naiveStep(network: NaiveNetwork, optimizer: Optimizer, state: NaiveState, batch: NaiveBatch): number {
  const gradient = new Array<number>(state.parameters.length).fill(0)
  let loss = 0
  batch.rows.forEach((row, i) => {
    loss += accumulate(network, state.parameters, row, batch.labels[i] as number, gradient) / batch.rows.length
  })
  state.step += 1
  gradient.forEach((sum, k) => {
    state.parameters[k] = (state.parameters[k] as number) - change(optimizer, state, k, sum / batch.rows.length)
  })
  return loss
}

export function naiveLogits(network: NaiveNetwork, parameters: readonly number[], row: readonly number[]): number[] {
  return activations(network, parameters, row).at(-1) as number[]
}

export function naiveLoss(loss: Loss, logits: readonly number[], label: number): number {
  if (loss === 'mean-squared-error') return ((logits[0] as number) - label) ** 2
  if (loss === 'binary-cross-entropy') {
    const p = 1 / (1 + Math.exp(-(logits[0] as number)))
    return label === 1 ? -Math.log(p) : -Math.log(1 - p)
  }
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
  return Math.log(total) - (logits[label] as number)
}

function change(optimizer: Optimizer, state: NaiveState, k: number, gradient: number): number {
  const { learningRate } = optimizer
  if (optimizer.name === 'sgd') return learningRate * gradient
  if (optimizer.name === 'momentum') {
    state.m[k] = optimizer.momentum * (state.m[k] as number) + gradient
    return learningRate * (state.m[k] as number)
  }
  const { beta1, beta2, epsilon } = optimizer
  state.m[k] = beta1 * (state.m[k] as number) + (1 - beta1) * gradient
  state.v[k] = beta2 * (state.v[k] as number) + (1 - beta2) * gradient ** 2
  const m = (state.m[k] as number) / (1 - beta1 ** state.step)
  const v = (state.v[k] as number) / (1 - beta2 ** state.step)
  return (learningRate * m) / (Math.sqrt(v) + epsilon)
}

/** The row and each layer's output; the last are the logits. */
function activations(
  { widths, activation }: NaiveNetwork,
  parameters: readonly number[],
  row: readonly number[],
): number[][] {
  const layers = [Array.from(row)]
  let at = 0
  for (let layer = 1; layer < widths.length; layer++) {
    const input = layers.at(-1) as number[]
    const [from, to] = [widths[layer - 1] as number, widths[layer] as number]
    const bias = at + from * to
    const z = Array.from({ length: to }, (_, j) =>
      input.reduce((sum, x, i) => sum + x * (parameters[at + i * to + j] as number), parameters[bias + j] as number),
    )
    layers.push(layer === widths.length - 1 ? z : z.map((value) => bend(activation, value)))
    at = bias + to
  }
  return layers
}

/** Adds one row's gradient; yields its loss. */
function accumulate(
  network: NaiveNetwork,
  parameters: readonly number[],
  row: readonly number[],
  label: number,
  gradient: number[],
): number {
  const layers = activations(network, parameters, row)
  const logits = layers.at(-1) as number[]
  let delta = logitGradient(network.loss, logits, label)
  let at = parameters.length
  for (let layer = network.widths.length - 1; layer >= 1; layer--) {
    const input = layers[layer - 1] as number[]
    const to = network.widths[layer] as number
    const bias = at - to
    const weights = bias - input.length * to
    const next = input.map((x, i) => {
      let sum = 0
      delta.forEach((d, j) => {
        gradient[weights + i * to + j] = (gradient[weights + i * to + j] as number) + x * d
        sum += d * (parameters[weights + i * to + j] as number)
      })
      return layer === 1 ? 0 : sum * slope(network.activation, x)
    })
    delta.forEach((d, j) => {
      gradient[bias + j] = (gradient[bias + j] as number) + d
    })
    delta = next
    at = weights
  }
  return naiveLoss(network.loss, logits, label)
}

function logitGradient(loss: Loss, logits: readonly number[], label: number): number[] {
  if (loss === 'mean-squared-error') return [2 * ((logits[0] as number) - label)]
  if (loss === 'binary-cross-entropy') return [1 / (1 + Math.exp(-(logits[0] as number))) - label]
  const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
  return logits.map((z, k) => Math.exp(z) / total - (k === label ? 1 : 0))
}

function bend(activation: NaiveNetwork['activation'], z: number): number {
  if (activation === 'relu') return Math.max(0, z)
  return activation === 'tanh' ? Math.tanh(z) : 1 / (1 + Math.exp(-z))
}

/** The activation's slope, from its output. */
function slope(activation: NaiveNetwork['activation'], y: number): number {
  if (activation === 'relu') return y > 0 ? 1 : 0
  return activation === 'tanh' ? 1 - y * y : y * (1 - y)
}
