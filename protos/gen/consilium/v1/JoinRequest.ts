// Original file: federation.proto


export interface JoinRequest {
  'site'?: (string);
  'secret'?: (Buffer | Uint8Array | string);
  'certificateRequest'?: (Buffer | Uint8Array | string);
  'identityPublicKey'?: (Buffer | Uint8Array | string);
  'identitySignature'?: (Buffer | Uint8Array | string);
}

export interface JoinRequest__Output {
  'site': (string);
  'secret': (Buffer);
  'certificateRequest': (Buffer);
  'identityPublicKey': (Buffer);
  'identitySignature': (Buffer);
}
