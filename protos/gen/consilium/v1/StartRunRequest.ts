// Original file: admin.proto


export interface StartRunRequest {
  'study'?: (string);
  'without'?: (string)[];
}

export interface StartRunRequest__Output {
  'study': (string);
  'without': (string)[];
}
