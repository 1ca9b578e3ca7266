/** Naive double-precision versions of the operators for which onnxruntime has no double kernel, one number at a time. */
export const referenceOperators: Readonly<Record<string, (x: number) => number>> = {
  Elu: (x) => (x > 0 ? x : 1.5 * (Math.exp(x) - 1)),
  Erf: erf,
  Gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  'Gelu tanh': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  LeakyRelu: (x) => (x > 0 ? x : 0.1 * x),
  Softplus: (x) => Math.log(1 + Math.exp(x)),
  Softsign: (x) => x / (1 + Math.abs(x)),
}

/** The error function by its Maclaurin series, which converges fast for the arguments of the tests (below 4). */
function erf(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; n < 100; n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}
