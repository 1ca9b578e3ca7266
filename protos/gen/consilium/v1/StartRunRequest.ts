// Original file: admin.proto


export interface StartRunRequest {
  'study'?: (string);
}

export interface StartRunRequest__Output {
  'study': (string);
}
