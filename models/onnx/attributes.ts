/** Attributes of nodes: how to write them short, and how to read them with the default that ONNX gives. */
import type { Attribute, Node } from './graph.ts'

export type Attributes = Readonly<Record<string, Attribute>>

export const int = (value: number): Attribute => ({ kind: 'int', value })
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value })
export const float = (value: number): Attribute => ({ kind: 'float', value })

export function intAttribute(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes[name]
  return attribute?.kind === 'int' ? attribute.value : otherwise
}

export function floatAttribute(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes[name]
  return attribute?.kind === 'float' ? attribute.value : otherwise
}

export function stringAttribute(node: Node, name: string, otherwise: string): string {
  const attribute = node.attributes[name]
  return attribute?.kind === 'string' ? attribute.value : otherwise
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name]
  return attribute?.kind === 'ints' ? attribute.value : undefined
}
