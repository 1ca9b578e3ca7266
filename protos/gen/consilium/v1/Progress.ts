// Original file: federation.proto


export interface Progress {
  'planHash'?: (Buffer | Uint8Array | string);
  'quarters'?: (number);
}

export interface Progress__Output {
  'planHash': (Buffer);
  'quarters': (number);
}
