// Original file: federation.proto


export interface Refusal {
  'planHash'?: (Buffer | Uint8Array | string);
  'studyHash'?: (Buffer | Uint8Array | string);
  'code'?: (string);
}

export interface Refusal__Output {
  'planHash': (Buffer);
  'studyHash': (Buffer);
  'code': (string);
}
