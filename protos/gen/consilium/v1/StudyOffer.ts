// Original file: federation.proto


export interface StudyOffer {
  'signedStudy'?: (Buffer | Uint8Array | string);
}

export interface StudyOffer__Output {
  'signedStudy': (Buffer);
}
