/**
 * The fields of the ONNX protobuf messages (onnx.proto3, IR version 10) that the house reads and writes, as data. A
 * field that is not listed here is refused by the codec, never skipped; `refused` gives the known ones their names.
 */

export type FieldKind = 'int64' | 'uint64' | 'int32' | 'float' | 'double' | 'string' | 'bytes' | MessageName
export type Field = { readonly id: number; readonly name: string; readonly kind: FieldKind; readonly repeated: boolean }
export type MessageSchema = {
  readonly fields: ReadonlyMap<number, Field>
  readonly refused: Readonly<Record<number, string>>
}
export type MessageName =
  | 'Model'
  | 'Graph'
  | 'Node'
  | 'Attribute'
  | 'Tensor'
  | 'ValueInfo'
  | 'Type'
  | 'TensorType'
  | 'Shape'
  | 'Dimension'
  | 'OperatorSetId'
  | 'StringStringEntry'
  | 'Function'

export const onnxSchema: Readonly<Record<MessageName, MessageSchema>> = {
  Model: message(
    [
      '1 ir_version int64',
      '2 producer_name string',
      '3 producer_version string',
      '4 domain string',
      '5 model_version int64',
      '6 doc_string string',
      '7 graph Graph',
      '8 opset_import OperatorSetId*',
      '14 metadata_props StringStringEntry*',
      '25 functions Function*',
    ],
    { 20: 'training_info', 26: 'configuration' },
  ),
  Graph: message(
    [
      '1 node Node*',
      '2 name string',
      '5 initializer Tensor*',
      '10 doc_string string',
      '11 input ValueInfo*',
      '12 output ValueInfo*',
      '13 value_info ValueInfo*',
      '16 metadata_props StringStringEntry*',
    ],
    { 14: 'quantization_annotation', 15: 'sparse_initializer' },
  ),
  Node: message(
    [
      '1 input string*',
      '2 output string*',
      '3 name string',
      '4 op_type string',
      '5 attribute Attribute*',
      '6 doc_string string',
      '7 domain string',
      '8 overload string',
      '9 metadata_props StringStringEntry*',
    ],
    { 10: 'device_configurations' },
  ),
  Attribute: message(
    [
      '1 name string',
      '2 f float',
      '3 i int64',
      '4 s bytes',
      '5 t Tensor',
      '6 g Graph',
      '7 floats float*',
      '8 ints int64*',
      '9 strings bytes*',
      '10 tensors Tensor*',
      '11 graphs Graph*',
      '13 doc_string string',
      '20 type int32',
      '21 ref_attr_name string',
    ],
    { 14: 'tp', 15: 'type_protos', 22: 'sparse_tensor', 23: 'sparse_tensors' },
  ),
  Tensor: message(
    [
      '1 dims int64*',
      '2 data_type int32',
      '4 float_data float*',
      '5 int32_data int32*',
      '6 string_data bytes*',
      '7 int64_data int64*',
      '8 name string',
      '9 raw_data bytes',
      '10 double_data double*',
      '11 uint64_data uint64*',
      '12 doc_string string',
      '14 data_location int32',
      '16 metadata_props StringStringEntry*',
    ],
    { 3: 'segment', 13: 'external_data' },
  ),
  ValueInfo: message(['1 name string', '2 type Type', '3 doc_string string', '4 metadata_props StringStringEntry*']),
  Type: message(['1 tensor_type TensorType'], {
    4: 'sequence_type',
    5: 'map_type',
    6: 'denotation',
    7: 'opaque_type',
    8: 'sparse_tensor_type',
    9: 'optional_type',
  }),
  TensorType: message(['1 elem_type int32', '2 shape Shape']),
  Shape: message(['1 dim Dimension*']),
  Dimension: message(['1 dim_value int64', '2 dim_param string'], { 3: 'denotation' }),
  OperatorSetId: message(['1 domain string', '2 version int64']),
  StringStringEntry: message(['1 key string', '2 value string']),
  Function: message([
    '1 name string',
    '4 input string*',
    '5 output string*',
    '6 attribute string*',
    '7 node Node*',
    '8 doc_string string',
    '9 opset_import OperatorSetId*',
    '10 domain string',
    '11 attribute_proto Attribute*',
    '12 value_info ValueInfo*',
    '13 overload string',
    '14 metadata_props StringStringEntry*',
  ]),
}

/** Fields as `number name kind`, a star after the kind for a repeated one. */
function message(lines: readonly string[], refused: Readonly<Record<number, string>> = {}): MessageSchema {
  const fields = lines.map((line): Field => {
    const [id = '', name = '', kind = ''] = line.split(' ')
    return { id: Number(id), name, kind: kind.replace('*', '') as FieldKind, repeated: kind.endsWith('*') }
  })
  return { fields: new Map(fields.map((field) => [field.id, field])), refused }
}
