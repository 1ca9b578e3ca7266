// Original file: admin.proto


export interface StartRefusal {
  'code'?: (string);
  'reason'?: (string);
  'waysOut'?: (string)[];
}

export interface StartRefusal__Output {
  'code': (string);
  'reason': (string);
  'waysOut': (string)[];
}
