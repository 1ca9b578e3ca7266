// Original file: admin.proto


export interface ShowRunRequest {
  'run'?: (string);
}

export interface ShowRunRequest__Output {
  'run': (string);
}
