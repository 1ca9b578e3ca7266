// Original file: secagg.proto


export interface Advertise {
  'planHash'?: (Buffer | Uint8Array | string);
  'body'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Advertise__Output {
  'planHash': (Buffer);
  'body': (Buffer);
  'signature': (Buffer);
}
