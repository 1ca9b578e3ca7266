// Original file: secagg.proto


export interface ReceivedShare {
  'from'?: (number);
  'keyCommitment'?: (Buffer | Uint8Array | string);
  'selfCommitment'?: (Buffer | Uint8Array | string);
  'sealed'?: (Buffer | Uint8Array | string);
  'groupCommitment'?: (Buffer | Uint8Array | string);
}

export interface ReceivedShare__Output {
  'from': (number);
  'keyCommitment': (Buffer);
  'selfCommitment': (Buffer);
  'sealed': (Buffer);
  'groupCommitment': (Buffer);
}
