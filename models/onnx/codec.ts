/**
 * ONNX files to {@link Model} and back. What a Model cannot hold (sparse or external tensors, sequences, training info,
 * unknown fields) is refused with 'invalid-onnx', so decode then encode loses nothing a runtime could see.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type {
  Attribute,
  Dimension,
  Documented,
  ElementType,
  Graph,
  Model,
  ModelFunction,
  Node,
  OperatorSet,
  Tensor,
  TensorData,
  Value,
} from './graph.ts'
import { elementCount } from './graph.ts'
import { decodeTensorData, elementTypeCodes, encodeTensorData } from './tensor-data.ts'
import { type Message, readMessage, readText, writeMessage } from './wire.ts'

/** A protobuf cannot exceed 2 GB, so neither can a model file. */
const modelBytesMax = 2 ** 31 - 1

export function decodeModel(bytes: Uint8Array): Model {
  if (bytes.length === 0) throw invalid('the file is empty')
  if (bytes.length > modelBytesMax)
    throw invalid(`the file has ${bytes.length} bytes, over the limit of ${modelBytesMax}`)
  const message = readMessage('Model', bytes)
  if (!message.graph) throw invalid('the model has no graph')
  if (messages(message, 'opset_import').length === 0)
    throw invalid('the model names no operator set: it may be cut off')
  return {
    irVersion: integer(message, 'ir_version'),
    operatorSets: messages(message, 'opset_import').map(decodeOperatorSet),
    producerName: text(message, 'producer_name'),
    producerVersion: text(message, 'producer_version'),
    domain: text(message, 'domain'),
    modelVersion: integer(message, 'model_version'),
    graph: decodeGraph(message.graph as Message),
    functions: messages(message, 'functions').map(decodeFunction),
    ...decodeDocumented(message),
  }
}

export function encodeModel(model: Model): Uint8Array {
  return writeMessage('Model', {
    ir_version: BigInt(model.irVersion),
    opset_import: model.operatorSets.map(encodeOperatorSet),
    producer_name: orNothing(model.producerName),
    producer_version: orNothing(model.producerVersion),
    domain: orNothing(model.domain),
    model_version: model.modelVersion === 0 ? undefined : BigInt(model.modelVersion),
    graph: encodeGraph(model.graph),
    functions: model.functions.map(encodeFunction),
    ...encodeDocumented(model),
  })
}

function decodeGraph(message: Message): Graph {
  return {
    name: text(message, 'name'),
    inputs: messages(message, 'input').map(decodeValue),
    outputs: messages(message, 'output').map(decodeValue),
    initializers: messages(message, 'initializer').map(decodeTensor),
    nodes: messages(message, 'node').map(decodeNode),
    values: messages(message, 'value_info').map(decodeValue),
    ...decodeDocumented(message),
  }
}

function encodeGraph(graph: Graph): Message {
  return {
    name: graph.name,
    input: graph.inputs.map(encodeValue),
    output: graph.outputs.map(encodeValue),
    initializer: graph.initializers.map(encodeTensor),
    node: graph.nodes.map(encodeNode),
    value_info: graph.values.map(encodeValue),
    ...encodeDocumented(graph),
  }
}

function decodeNode(message: Message): Node {
  const overload = text(message, 'overload')
  return {
    name: text(message, 'name'),
    op: text(message, 'op_type'),
    domain: text(message, 'domain'),
    ...(overload === '' ? {} : { overload }),
    inputs: list<string>(message, 'input'),
    outputs: list<string>(message, 'output'),
    attributes: decodeAttributes(messages(message, 'attribute')),
    ...decodeDocumented(message),
  }
}

function encodeNode(node: Node): Message {
  return {
    name: orNothing(node.name),
    op_type: node.op,
    domain: orNothing(node.domain),
    overload: node.overload,
    input: node.inputs,
    output: node.outputs,
    attribute: Object.entries(node.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
    ...encodeDocumented(node),
  }
}

/** AttributeProto's type code and the field that holds the value. */
const attributeKinds = {
  float: [1n, 'f'],
  int: [2n, 'i'],
  string: [3n, 's'],
  tensor: [4n, 't'],
  graph: [5n, 'g'],
  floats: [6n, 'floats'],
  ints: [7n, 'ints'],
  strings: [8n, 'strings'],
  tensors: [9n, 'tensors'],
  graphs: [10n, 'graphs'],
} as const satisfies Record<Exclude<Attribute['kind'], 'reference'>, readonly [bigint, string]>

function decodeAttributes(list: readonly Message[]): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = Object.create(null)
  for (const message of list) {
    const name = text(message, 'name')
    if (name in attributes) throw invalid(`the attribute '${name}' is given twice`)
    attributes[name] = decodeAttribute(name, message)
  }
  return { ...attributes }
}

function decodeAttribute(name: string, message: Message): Attribute {
  const kind = (Object.keys(attributeKinds) as (keyof typeof attributeKinds)[]).find(
    (key) => attributeKinds[key][0] === message.type,
  )
  if (!kind) throw invalid(`the attribute '${name}' has no known type`)
  if (message.doc_string !== undefined && message.doc_string !== '')
    throw invalid(`the attribute '${name}' has a doc string, which is not supported`)
  const field = attributeKinds[kind][1]
  for (const [, other] of Object.values(attributeKinds))
    if (other !== field && !isDefault(message[other])) throw invalid(`the attribute '${name}' holds two kinds of value`)
  const reference = text(message, 'ref_attr_name')
  if (reference !== '') {
    if (!isDefault(message[field])) throw invalid(`the attribute '${name}' holds both a value and a reference`)
    return { kind: 'reference', value: reference, of: kind }
  }
  return decodeAttributeValue(kind, message, name)
}

function decodeAttributeValue(kind: keyof typeof attributeKinds, message: Message, name: string): Attribute {
  switch (kind) {
    case 'float':
      return { kind, value: (message.f as number | undefined) ?? 0 }
    case 'int':
      return { kind, value: integer(message, 'i') }
    case 'string':
      return { kind, value: readText((message.s as Uint8Array | undefined) ?? new Uint8Array()) }
    case 'tensor':
      if (!message.t) throw invalid(`the attribute '${name}' has no tensor`)
      return { kind, value: decodeTensor(message.t as Message) }
    case 'graph':
      if (!message.g) throw invalid(`the attribute '${name}' has no graph`)
      return { kind, value: decodeGraph(message.g as Message) }
    case 'floats':
      return { kind, value: list<number>(message, 'floats') }
    case 'ints':
      return { kind, value: list<bigint>(message, 'ints').map((value) => safe(value, `the attribute '${name}'`)) }
    case 'strings':
      return { kind, value: list<Uint8Array>(message, 'strings').map(readText) }
    case 'tensors':
      return { kind, value: messages(message, 'tensors').map(decodeTensor) }
    case 'graphs':
      return { kind, value: messages(message, 'graphs').map(decodeGraph) }
  }
}

function encodeAttribute(name: string, attribute: Attribute): Message {
  if (attribute.kind === 'reference')
    return { name, type: attributeKinds[attribute.of][0], ref_attr_name: attribute.value }
  const [type, field] = attributeKinds[attribute.kind]
  return { name, type, [field]: encodeAttributeValue(attribute) }
}

function encodeAttributeValue(attribute: Exclude<Attribute, { kind: 'reference' }>): unknown {
  switch (attribute.kind) {
    case 'float':
    case 'floats':
      return attribute.value
    case 'int':
      return BigInt(attribute.value)
    case 'ints':
      return attribute.value.map(BigInt)
    case 'string':
      return new TextEncoder().encode(attribute.value)
    case 'strings':
      return attribute.value.map((value) => new TextEncoder().encode(value))
    case 'tensor':
      return encodeTensor(attribute.value)
    case 'tensors':
      return attribute.value.map(encodeTensor)
    case 'graph':
      return encodeGraph(attribute.value)
    case 'graphs':
      return attribute.value.map(encodeGraph)
  }
}

function decodeTensor(message: Message): Tensor {
  const name = text(message, 'name')
  const type = decodeElementType(message.data_type, `the tensor '${name}'`)
  if (message.data_location !== undefined && message.data_location !== 0n)
    throw invalid(`the tensor '${name}' keeps its data outside the file, which is not supported`)
  const dims = list<bigint>(message, 'dims').map((dim) => safe(dim, `a dimension of the tensor '${name}'`))
  const count = elementCount(dims)
  if (dims.some((dim) => dim < 0) || !Number.isSafeInteger(count))
    throw invalid(`the tensor '${name}' has impossible dimensions`)
  const data: TensorData = decodeTensorData(type, message, `the tensor '${name}'`)
  if (data.length !== count)
    throw invalid(`the tensor '${name}' has ${data.length} values, its dimensions need ${count}`)
  return { name, type, dims, data, ...decodeDocumented(message) }
}

function encodeTensor(tensor: Tensor): Message {
  return {
    name: orNothing(tensor.name),
    dims: tensor.dims.map(BigInt),
    data_type: BigInt(elementTypeCodes[tensor.type]),
    ...encodeTensorData(tensor),
    ...encodeDocumented(tensor),
  }
}

function decodeValue(message: Message): Value {
  const name = text(message, 'name')
  const tensorType = (message.type as Message | undefined)?.tensor_type as Message | undefined
  if (!tensorType) throw invalid(`the value '${name}' has no tensor type`)
  const shape = tensorType.shape as Message | undefined
  return {
    name,
    type: decodeElementType(tensorType.elem_type, `the value '${name}'`),
    ...(shape ? { dims: messages(shape, 'dim').map(decodeDimension) } : {}),
    ...decodeDocumented(message),
  }
}

function encodeValue(value: Value): Message {
  const shape = value.dims && { dim: value.dims.map(encodeDimension) }
  return {
    name: value.name,
    type: { tensor_type: { elem_type: BigInt(elementTypeCodes[value.type]), shape } },
    ...encodeDocumented(value),
  }
}

function decodeDimension(message: Message): Dimension {
  if (message.dim_value !== undefined && message.dim_param !== undefined)
    throw invalid('a dimension has both a size and a name')
  if (message.dim_value === undefined) return text(message, 'dim_param')
  const size = integer(message, 'dim_value')
  // Some exporters write -1 where they mean that the size is not known.
  return size < 0 ? '' : size
}

function encodeDimension(dimension: Dimension): Message {
  if (typeof dimension === 'number') return { dim_value: BigInt(dimension) }
  return dimension === '' ? {} : { dim_param: dimension }
}

function decodeOperatorSet(message: Message): OperatorSet {
  return { domain: text(message, 'domain'), version: integer(message, 'version') }
}

function encodeOperatorSet(set: OperatorSet): Message {
  return { domain: set.domain, version: BigInt(set.version) }
}

function decodeFunction(message: Message): ModelFunction {
  const overload = text(message, 'overload')
  return {
    name: text(message, 'name'),
    domain: text(message, 'domain'),
    ...(overload === '' ? {} : { overload }),
    inputs: list<string>(message, 'input'),
    outputs: list<string>(message, 'output'),
    attributes: list<string>(message, 'attribute'),
    defaults: decodeAttributes(messages(message, 'attribute_proto')),
    nodes: messages(message, 'node').map(decodeNode),
    operatorSets: messages(message, 'opset_import').map(decodeOperatorSet),
    values: messages(message, 'value_info').map(decodeValue),
    ...decodeDocumented(message),
  }
}

function encodeFunction(value: ModelFunction): Message {
  return {
    name: value.name,
    domain: value.domain,
    overload: value.overload,
    input: value.inputs,
    output: value.outputs,
    attribute: value.attributes,
    attribute_proto: Object.entries(value.defaults).map(([name, attribute]) => encodeAttribute(name, attribute)),
    node: value.nodes.map(encodeNode),
    opset_import: value.operatorSets.map(encodeOperatorSet),
    value_info: value.values.map(encodeValue),
    ...encodeDocumented(value),
  }
}

function decodeDocumented(message: Message): Documented {
  const doc = text(message, 'doc_string')
  const entries = messages(message, 'metadata_props').map(
    (entry) => [text(entry, 'key'), text(entry, 'value')] as const,
  )
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw invalid('a metadata key is given twice')
  return { ...(doc === '' ? {} : { doc }), ...(entries.length === 0 ? {} : { metadata: Object.fromEntries(entries) }) }
}

function encodeDocumented(value: Documented): Message {
  return {
    doc_string: value.doc,
    metadata_props: value.metadata && Object.entries(value.metadata).map(([key, text]) => ({ key, value: text })),
  }
}

function decodeElementType(code: unknown, what: string): ElementType {
  const found = (Object.keys(elementTypeCodes) as ElementType[]).find((type) => BigInt(elementTypeCodes[type]) === code)
  if (!found) throw invalid(`${what} has the element type ${String(code ?? 0)}, which is not supported`)
  return found
}

function isDefault(value: unknown): boolean {
  return (
    value === undefined ||
    value === 0 ||
    value === 0n ||
    ((Array.isArray(value) || value instanceof Uint8Array) && value.length === 0)
  )
}

function text(message: Message, field: string): string {
  return (message[field] as string | undefined) ?? ''
}

function list<Item>(message: Message, field: string): Item[] {
  return (message[field] as Item[] | undefined) ?? []
}

function messages(message: Message, field: string): Message[] {
  return list<Message>(message, field)
}

function integer(message: Message, field: string): number {
  return safe((message[field] as bigint | undefined) ?? 0n, field)
}

function safe(value: bigint, what: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw invalid(`${what} is ${value}, beyond what is supported`)
  return number
}

function orNothing(value: string): string | undefined {
  return value === '' ? undefined : value
}

function invalid(message: string): FederationError {
  return new FederationError('invalid-onnx', `ONNX: ${message}`)
}
