// Original file: federation.proto


export interface RoundOver {
  'planHash'?: (Buffer | Uint8Array | string);
  'outcome'?: (string);
  'reason'?: (string);
}

export interface RoundOver__Output {
  'planHash': (Buffer);
  'outcome': (string);
  'reason': (string);
}
