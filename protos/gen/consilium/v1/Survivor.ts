// Original file: secagg.proto


export interface Survivor {
  'index'?: (number);
  'root'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Survivor__Output {
  'index': (number);
  'root': (Buffer);
  'signature': (Buffer);
}
