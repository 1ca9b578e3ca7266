// Original file: federation.proto


export interface PartnerWord {
  'studyHash'?: (Buffer | Uint8Array | string);
  'word'?: (string);
  'changeHash'?: (Buffer | Uint8Array | string);
  'since'?: (number);
  'purposes'?: (string)[];
  'signature'?: (Buffer | Uint8Array | string);
}

export interface PartnerWord__Output {
  'studyHash': (Buffer);
  'word': (string);
  'changeHash': (Buffer);
  'since': (number);
  'purposes': (string)[];
  'signature': (Buffer);
}
