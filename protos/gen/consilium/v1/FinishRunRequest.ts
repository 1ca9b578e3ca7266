// Original file: admin.proto


export interface FinishRunRequest {
  'run'?: (string);
  'reason'?: (string);
}

export interface FinishRunRequest__Output {
  'run': (string);
  'reason': (string);
}
