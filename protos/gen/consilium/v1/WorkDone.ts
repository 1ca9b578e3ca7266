// Original file: federation.proto


export interface WorkDone {
  'planHash'?: (Buffer | Uint8Array | string);
}

export interface WorkDone__Output {
  'planHash': (Buffer);
}
