/**
 * Arithmetic on dimensions of which some are only names: products, quotients, broadcasting. A product is written
 * `4*batch`, so equal sizes have equal names.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { Dimension } from './graph.ts'

type Product = { readonly coefficient: number; readonly names: readonly string[] }

/** Longest name of a product, characters: in a hostile graph it could double with every node. */
const productCharactersMax = 200

/** A name for an input's dimension that has none; free of what a product's name is made of. */
export function dimensionName(value: string, axis: number): string {
  return `_${value.replaceAll('*', '_')}.${axis}`
}

/** A name for a dimension known only at run time; no input's dimension is called so. */
export function unknownDimension(value: string, axis: number): string {
  return `?${value.replaceAll('*', '_')}.${axis}`
}

/** The number of elements of a shape; a name where a dimension is one. */
export function sizeOf(dims: readonly Dimension[]): Dimension {
  return format(productOf(dims))
}

/** size / divisor where it divides without remainder, else undefined. */
export function quotient(size: readonly Dimension[], divisor: readonly Dimension[]): Dimension | undefined {
  const numerator = productOf(size)
  const denominator = productOf(divisor)
  if (denominator.coefficient === 0) return undefined
  const names = [...numerator.names]
  for (const name of denominator.names) {
    const at = names.indexOf(name)
    if (at < 0) return undefined
    names.splice(at, 1)
  }
  const coefficient = numerator.coefficient / denominator.coefficient
  return Number.isInteger(coefficient) ? format({ coefficient, names }) : undefined
}

/** The shape two shapes broadcast to (numpy's rule, as ONNX takes it over), undefined where they cannot. */
export function broadcast(a: readonly Dimension[], b: readonly Dimension[]): Dimension[] | undefined {
  const rank = Math.max(a.length, b.length)
  const result: Dimension[] = []
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1
    const right = b[b.length - rank + i] ?? 1
    if (left === right || right === 1) result.push(left)
    else if (left === 1) result.push(right)
    // A name beside a size above one must be that size, or the run fails.
    else if (typeof left === 'string') result.push(right)
    else if (typeof right === 'string') result.push(left)
    else return undefined
  }
  return result
}

export function sameDimensions(a: readonly Dimension[], b: readonly Dimension[]): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i])
}

function productOf(dims: readonly Dimension[]): Product {
  let coefficient = 1
  const names: string[] = []
  for (const dim of dims)
    for (const factor of typeof dim === 'number' ? [dim] : dim.split('*'))
      if (typeof factor === 'number') coefficient *= factor
      else if (/^\d+$/.test(factor)) coefficient *= Number(factor)
      else names.push(factor)
  return { coefficient, names: names.sort() }
}

function format({ coefficient, names }: Product): Dimension {
  if (names.length === 0 || coefficient === 0) return coefficient
  const product = (coefficient === 1 ? names : [String(coefficient), ...names]).join('*')
  if (names.length > 1 && product.length > productCharactersMax)
    throw new FederationError('shape-mismatch', `a size is a product of ${names.length} dimensions with long names`)
  return product
}
