// Original file: secagg.proto


export interface SharedTo {
  'index'?: (number);
  'keyCommitment'?: (Buffer | Uint8Array | string);
  'selfCommitment'?: (Buffer | Uint8Array | string);
  'sealed'?: (Buffer | Uint8Array | string);
}

export interface SharedTo__Output {
  'index': (number);
  'keyCommitment': (Buffer);
  'selfCommitment': (Buffer);
  'sealed': (Buffer);
}
