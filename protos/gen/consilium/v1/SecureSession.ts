// Original file: admin.proto


export interface SecureSession {
  'sites'?: (number);
  'colluders'?: (number);
  'threshold'?: (number);
  'survivorsMin'?: (number);
  'confirmed'?: (string)[];
}

export interface SecureSession__Output {
  'sites': (number);
  'colluders': (number);
  'threshold': (number);
  'survivorsMin': (number);
  'confirmed': (string)[];
}
