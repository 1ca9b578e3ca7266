/** Logistic regression in plain double precision: the reference that federated training is held against. */

export type Rows = { readonly features: readonly (readonly number[])[]; readonly labels: readonly number[] }
export type Coefficients = { readonly weights: readonly number[]; readonly bias: number }

/** Full-batch gradient descent on the mean binary cross-entropy, from zero. */
export function gradientDescent(rows: Rows, learningRate: number, steps: number): Coefficients {
  const columns = rows.features[0]?.length ?? 0
  let weights = new Array<number>(columns).fill(0)
  let bias = 0
  for (let step = 0; step < steps; step++) {
    const gradient = new Array<number>(columns).fill(0)
    let biasGradient = 0
    rows.features.forEach((x, i) => {
      const error = probability({ weights, bias }, x) - rows.labels[i]!
      for (let k = 0; k < columns; k++) gradient[k]! += error * x[k]!
      biasGradient += error
    })
    const scale = learningRate / rows.features.length
    weights = weights.map((weight, k) => weight - scale * gradient[k]!)
    bias -= scale * biasGradient
  }
  return { weights, bias }
}

export function probability({ weights, bias }: Coefficients, x: readonly number[]): number {
  return 1 / (1 + Math.exp(-weights.reduce((sum, weight, k) => sum + weight * x[k]!, bias)))
}

/** Area under the ROC curve by comparing every positive with every negative; ties count half. */
export function areaUnderCurve(scores: readonly number[], labels: readonly number[]): number {
  let wins = 0
  let pairs = 0
  scores.forEach((positive, i) => {
    if (labels[i] !== 1) return
    scores.forEach((negative, j) => {
      if (labels[j] !== 0) return
      pairs += 1
      wins += positive > negative ? 1 : positive === negative ? 0.5 : 0
    })
  })
  return wins / pairs
}

/** Subtracts each column's mean and divides by its population standard deviation, both of `reference`. */
export function standardise(rows: Rows, reference: Rows): Rows {
  const n = reference.features.length
  const columns = reference.features[0]?.length ?? 0
  const means = Array.from({ length: columns }, (_, k) => reference.features.reduce((s, x) => s + x[k]!, 0) / n)
  const deviations = means.map((mean, k) =>
    Math.sqrt(reference.features.reduce((s, x) => s + (x[k]! - mean) ** 2, 0) / n),
  )
  return {
    labels: rows.labels,
    features: rows.features.map((x) => x.map((value, k) => (value - means[k]!) / (deviations[k]! || 1))),
  }
}
