// Original file: admin.proto


export interface Dropout {
  'site'?: (string);
  'reason'?: (string);
  'purpose'?: (string);
  'phase'?: (string);
}

export interface Dropout__Output {
  'site': (string);
  'reason': (string);
  'purpose': (string);
  'phase': (string);
}
