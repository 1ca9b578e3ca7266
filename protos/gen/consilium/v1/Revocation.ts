// Original file: federation.proto


export interface Revocation {
  'site'?: (string);
  'identityPublicKey'?: (Buffer | Uint8Array | string);
  'epoch'?: (number);
  'at'?: (string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Revocation__Output {
  'site': (string);
  'identityPublicKey': (Buffer);
  'epoch': (number);
  'at': (string);
  'signature': (Buffer);
}
