// Original file: secagg.proto


export interface Confirmation {
  'index'?: (number);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Confirmation__Output {
  'index': (number);
  'signature': (Buffer);
}
