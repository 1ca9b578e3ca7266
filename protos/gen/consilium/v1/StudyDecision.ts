// Original file: federation.proto


export interface StudyDecision {
  'studyHash'?: (Buffer | Uint8Array | string);
  'decision'?: (string);
  'reason'?: (string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface StudyDecision__Output {
  'studyHash': (Buffer);
  'decision': (string);
  'reason': (string);
  'signature': (Buffer);
}
