// Original file: federation.proto


export interface KeyRotation {
  'oldPublicKey'?: (Buffer | Uint8Array | string);
  'newPublicKey'?: (Buffer | Uint8Array | string);
  'oldSignature'?: (Buffer | Uint8Array | string);
  'newSignature'?: (Buffer | Uint8Array | string);
}

export interface KeyRotation__Output {
  'oldPublicKey': (Buffer);
  'newPublicKey': (Buffer);
  'oldSignature': (Buffer);
  'newSignature': (Buffer);
}
