/**
 * The values of a TensorProto: raw little-endian bytes or one of its typed lists, as typed arrays. Written back always
 * as raw bytes, strings as the list that ONNX asks for.
 */
import { FederationError } from '@consilium/protos/errors.ts'
import type { ElementType, Tensor, TensorData } from './graph.ts'
import { type Message, readText } from './wire.ts'

/** TensorProto.DataType. */
export const elementTypeCodes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
}

export const arrayOf = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const

/** The typed list of TensorProto that carries a type when it is not raw. */
const listOf: Readonly<Record<Exclude<ElementType, 'string'>, string>> = {
  float32: 'float_data',
  float64: 'double_data',
  float16: 'int32_data',
  int8: 'int32_data',
  int16: 'int32_data',
  int32: 'int32_data',
  int64: 'int64_data',
  uint8: 'int32_data',
  uint16: 'int32_data',
  uint32: 'uint64_data',
  uint64: 'uint64_data',
  bool: 'int32_data',
}
const lists = ['float_data', 'double_data', 'int32_data', 'int64_data', 'uint64_data', 'string_data'] as const

export function decodeTensorData(type: ElementType, message: Message, what: string): TensorData {
  const filled = lists.filter((name) => ((message[name] as unknown[] | undefined)?.length ?? 0) > 0)
  const expected = type === 'string' ? 'string_data' : listOf[type]
  if (filled.some((name) => name !== expected)) throw invalid(`${what} keeps its values in the wrong field`)
  if (type === 'string') {
    if (message.raw_data !== undefined) throw invalid(`${what} is text in raw bytes`)
    return ((message.string_data as Uint8Array[] | undefined) ?? []).map(readText)
  }
  const raw = message.raw_data as Uint8Array | undefined
  if (raw !== undefined && filled.length > 0) throw invalid(`${what} has its values twice`)
  if (raw !== undefined) return decodeRaw(type, raw, what)
  return fromList(type, (message[expected] as (number | bigint)[] | undefined) ?? [])
}

export function encodeTensorData(tensor: Tensor): Message {
  if (tensor.type === 'string')
    return { string_data: (tensor.data as readonly string[]).map((value) => new TextEncoder().encode(value)) }
  const data = tensor.data as Exclude<TensorData, readonly string[]>
  return { raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }
}

function decodeRaw(type: Exclude<ElementType, 'string'>, raw: Uint8Array, what: string): TensorData {
  const TypedArray = arrayOf[type]
  if (raw.length % TypedArray.BYTES_PER_ELEMENT !== 0) throw invalid(`${what} ends in the middle of a value`)
  if (type === 'bool' && raw.some((byte) => byte > 1)) throw invalid(`${what} holds a bool that is neither 0 nor 1`)
  // A copy: raw bytes lie at any offset of the file, typed arrays need theirs aligned.
  return new TypedArray(new Uint8Array(raw).buffer)
}

function fromList(type: Exclude<ElementType, 'string'>, values: readonly (number | bigint)[]): TensorData {
  if (type === 'int64') return BigInt64Array.from(values as bigint[])
  if (type === 'uint64') return BigUint64Array.from(values as bigint[])
  if (type === 'bool') return Uint8Array.from(values, (value) => (Number(value) === 0 ? 0 : 1))
  return new arrayOf[type](values.map(Number))
}

function invalid(message: string): FederationError {
  return new FederationError('invalid-onnx', `ONNX: ${message}`)
}
