// Original file: admin.proto


export interface LeftOut {
  'site'?: (string);
  'reason'?: (string);
}

export interface LeftOut__Output {
  'site': (string);
  'reason': (string);
}
