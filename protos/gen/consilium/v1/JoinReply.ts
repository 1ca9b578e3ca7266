// Original file: federation.proto


export interface JoinReply {
  'certificatePem'?: (string);
  'authorityPem'?: (string);
  'coordinatorPublicKey'?: (Buffer | Uint8Array | string);
  'federation'?: (string);
}

export interface JoinReply__Output {
  'certificatePem': (string);
  'authorityPem': (string);
  'coordinatorPublicKey': (Buffer);
  'federation': (string);
}
