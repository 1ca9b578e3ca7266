// Original file: admin.proto


export interface KeyRotationView {
  'at'?: (string);
  'from'?: (string);
  'to'?: (string);
}

export interface KeyRotationView__Output {
  'at': (string);
  'from': (string);
  'to': (string);
}
