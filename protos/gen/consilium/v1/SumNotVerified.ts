// Original file: secagg.proto


export interface SumNotVerified {
  'planHash'?: (Buffer | Uint8Array | string);
  'sums'?: (Buffer | Uint8Array | string);
  'made'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface SumNotVerified__Output {
  'planHash': (Buffer);
  'sums': (Buffer);
  'made': (Buffer);
  'signature': (Buffer);
}
