// Original file: secagg.proto


export interface RevealedShare {
  'index'?: (number);
  'kind'?: (string);
  'share'?: (Buffer | Uint8Array | string);
}

export interface RevealedShare__Output {
  'index': (number);
  'kind': (string);
  'share': (Buffer);
}
