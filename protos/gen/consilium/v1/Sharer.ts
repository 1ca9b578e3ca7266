// Original file: secagg.proto


export interface Sharer {
  'index'?: (number);
  'shareKeysHash'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Sharer__Output {
  'index': (number);
  'shareKeysHash': (Buffer);
  'signature': (Buffer);
}
