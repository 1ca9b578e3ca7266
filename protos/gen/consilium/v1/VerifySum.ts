// Original file: secagg.proto


export interface VerifySum {
  'planHash'?: (Buffer | Uint8Array | string);
  'sums'?: (Buffer | Uint8Array | string);
  'made'?: (Buffer | Uint8Array | string);
  'words'?: (Buffer | Uint8Array | string);
}

export interface VerifySum__Output {
  'planHash': (Buffer);
  'sums': (Buffer);
  'made': (Buffer);
  'words': (Buffer);
}
