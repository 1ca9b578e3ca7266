// Original file: federation.proto


export interface StoodOut {
  'studyHash'?: (Buffer | Uint8Array | string);
  'purpose'?: (string);
  'code'?: (string);
}

export interface StoodOut__Output {
  'studyHash': (Buffer);
  'purpose': (string);
  'code': (string);
}
