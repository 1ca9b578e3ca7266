// Original file: federation.proto


export interface RunOver {
  'run'?: (string);
  'outcome'?: (string);
  'reason'?: (string);
}

export interface RunOver__Output {
  'run': (string);
  'outcome': (string);
  'reason': (string);
}
