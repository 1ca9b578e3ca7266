// Original file: admin.proto


export interface RollBackRunRequest {
  'run'?: (string);
  'round'?: (number);
  'reason'?: (string);
}

export interface RollBackRunRequest__Output {
  'run': (string);
  'round': (number);
  'reason': (string);
}
