// Original file: federation.proto


export interface SignedLedger {
  'site'?: (string);
  'planHash'?: (Buffer | Uint8Array | string);
  'body'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface SignedLedger__Output {
  'site': (string);
  'planHash': (Buffer);
  'body': (Buffer);
  'signature': (Buffer);
}
