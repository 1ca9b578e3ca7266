/**
 * Protobuf's wire format driven by the schema tables: bytes to nested records and back. Stricter than protobuf asks: an
 * unknown field, a wrong wire type, a single field given twice or text that is not UTF-8 is an error, so nothing that
 * another parser might see is dropped in silence, and no code is generated at run time.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import protobuf from 'protobufjs/minimal.js'
import { type Field, type FieldKind, type MessageName, onnxSchema } from './onnx-schema.ts'

/** A message by field name: bigint for integers, number for floats, string, Uint8Array, or nested messages; arrays where repeated. */
export type Message = { readonly [field: string]: unknown }

/** Deepest nesting of messages that is read; a model with a few nested subgraphs needs about 20. */
const depthMax = 64
/** Most messages, and most numbers in typed lists, of one file: two bytes of a hostile file could cost a hundred of memory each. */
const budgetMax = { messages: 2 ** 20, numbers: 2 ** 22 } as const
type Budget = { messages: number; numbers: number }

export function readMessage(name: MessageName, bytes: Uint8Array): Message {
  try {
    return readFields(name, protobuf.Reader.create(bytes), bytes.length, 0, { ...budgetMax })
  } catch (error) {
    if (error instanceof FederationError) throw error
    throw invalid(`the file is cut off or not ONNX (${error instanceof Error ? error.message : 'unreadable'})`, error)
  }
}

export function writeMessage(name: MessageName, message: Message): Uint8Array {
  return writeFields(name, message, protobuf.Writer.create()).finish()
}

function readFields(name: MessageName, reader: protobuf.Reader, end: number, depth: number, budget: Budget): Message {
  if (budget.messages-- === 0) throw invalid(`it holds more than ${budgetMax.messages} messages`)
  if (depth > depthMax) throw invalid(`messages are nested deeper than ${depthMax}`)
  const schema = onnxSchema[name]
  const message: Record<string, unknown> = {}
  while (reader.pos < end) {
    const tag = reader.uint32()
    const field = schema.fields.get(tag >>> 3)
    if (!field) throw unknownField(name, tag >>> 3)
    const value = readField(name, field, tag & 7, reader, depth, budget)
    if (field.repeated) {
      const list = (message[field.name] as unknown[] | undefined) ?? []
      message[field.name] = list
      if (Array.isArray(value)) for (const item of value) list.push(item)
      else list.push(value)
    } else if (message[field.name] !== undefined) throw invalid(`${name}.${field.name} is given twice`)
    else message[field.name] = value
  }
  if (reader.pos !== end) throw invalid(`a ${name} message runs over its end`)
  return message
}

function readField(
  name: MessageName,
  field: Field,
  wireType: number,
  reader: protobuf.Reader,
  depth: number,
  budget: Budget,
): unknown {
  const expected = wireTypeOf(field.kind)
  if (wireType === expected && expected !== 2) return readScalar(field.kind, reader, budget)
  if (wireType !== 2) throw invalid(`${name}.${field.name} has wire type ${wireType}`)
  const end = reader.uint32() + reader.pos
  if (end > reader.len) throw invalid(`the file is cut off inside ${name}.${field.name}`)
  if (expected === 2) {
    if (field.kind !== 'string' && field.kind !== 'bytes')
      return readFields(field.kind as MessageName, reader, end, depth + 1, budget)
    if (budget.messages-- === 0) throw invalid(`it holds more than ${budgetMax.messages} messages`)
    const bytes = new Uint8Array(reader.buf.subarray(reader.pos, end))
    reader.pos = end
    return field.kind === 'bytes' ? bytes : readText(bytes)
  }
  if (!field.repeated) throw invalid(`${name}.${field.name} has wire type 2`)
  const packed: unknown[] = []
  while (reader.pos < end) packed.push(readScalar(field.kind, reader, budget))
  if (reader.pos !== end) throw invalid(`${name}.${field.name} runs over its end`)
  return packed
}

function readScalar(kind: FieldKind, reader: protobuf.Reader, budget: Budget): number | bigint {
  if (budget.numbers-- === 0)
    throw invalid(`its lists hold more than ${budgetMax.numbers} numbers: write tensors as raw bytes`)
  if (kind === 'float') return reader.float()
  if (kind === 'double') return reader.double()
  const { low, high } = reader.int64() as unknown as { low: number; high: number }
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
  return kind === 'uint64' ? bits : BigInt.asIntN(64, bits)
}

export function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw invalid('a text field is not UTF-8', error)
  }
}

function writeFields(name: MessageName, message: Message, writer: protobuf.Writer): protobuf.Writer {
  for (const field of onnxSchema[name].fields.values()) {
    const value = message[field.name]
    if (value === undefined) continue
    if (!field.repeated) writeField(field, value, writer)
    else if (wireTypeOf(field.kind) === 2) for (const item of value as unknown[]) writeField(field, item, writer)
    else if ((value as unknown[]).length > 0) {
      writer.uint32((field.id << 3) | 2).fork()
      for (const item of value as unknown[]) writeScalar(field.kind, item, writer)
      writer.ldelim()
    }
  }
  return writer
}

function writeField(field: Field, value: unknown, writer: protobuf.Writer): void {
  writer.uint32((field.id << 3) | wireTypeOf(field.kind))
  if (field.kind === 'string') writer.string(value as string)
  else if (field.kind === 'bytes') writer.bytes(value as Uint8Array)
  else if (wireTypeOf(field.kind) !== 2) writeScalar(field.kind, value, writer)
  else writeFields(field.kind as MessageName, value as Message, writer.fork()).ldelim()
}

function writeScalar(kind: FieldKind, value: unknown, writer: protobuf.Writer): void {
  if (kind === 'float') writer.float(value as number)
  else if (kind === 'double') writer.double(value as number)
  else {
    const bits = BigInt.asUintN(64, value as bigint)
    const halves = { low: Number(bits & 0xffffffffn), high: Number(bits >> 32n), unsigned: true }
    writer.uint64(halves as unknown as protobuf.Long)
  }
}

function wireTypeOf(kind: FieldKind): 0 | 1 | 2 | 5 {
  if (kind === 'int64' || kind === 'uint64' || kind === 'int32') return 0
  if (kind === 'double') return 1
  return kind === 'float' ? 5 : 2
}

function unknownField(name: MessageName, id: number): FederationError {
  const known = onnxSchema[name].refused[id]
  return invalid(
    known ? `${name}.${known} is not supported` : `${name} has an unknown field ${id}: not ONNX, or cut off`,
  )
}

function invalid(message: string, cause?: unknown): FederationError {
  return new FederationError('invalid-onnx', `ONNX: ${message}`, cause === undefined ? {} : { cause })
}
