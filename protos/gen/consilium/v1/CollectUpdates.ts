// Original file: federation.proto


export interface CollectUpdates {
  'planHash'?: (Buffer | Uint8Array | string);
}

export interface CollectUpdates__Output {
  'planHash': (Buffer);
}
