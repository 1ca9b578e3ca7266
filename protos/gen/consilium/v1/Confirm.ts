// Original file: secagg.proto


export interface Confirm {
  'planHash'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Confirm__Output {
  'planHash': (Buffer);
  'signature': (Buffer);
}
