// Original file: federation.proto


export interface Progress {
  'planHash'?: (Buffer | Uint8Array | string);
  'permille'?: (number);
}

export interface Progress__Output {
  'planHash': (Buffer);
  'permille': (number);
}
