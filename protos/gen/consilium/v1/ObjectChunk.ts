// Original file: admin.proto


export interface ObjectChunk {
  'data'?: (Buffer | Uint8Array | string);
}

export interface ObjectChunk__Output {
  'data': (Buffer);
}
