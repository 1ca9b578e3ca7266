// Original file: admin.proto


export interface ShowStudyRequest {
  'study'?: (string);
}

export interface ShowStudyRequest__Output {
  'study': (string);
}
