// Original file: admin.proto


export interface CancelRunRequest {
  'run'?: (string);
  'reason'?: (string);
}

export interface CancelRunRequest__Output {
  'run': (string);
  'reason': (string);
}
