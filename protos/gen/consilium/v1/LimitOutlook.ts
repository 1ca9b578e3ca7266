// Original file: admin.proto


export interface LimitOutlook {
  'limit'?: (string);
  'used'?: (number);
  'max'?: (number);
  'sites'?: (string)[];
  'text'?: (string);
}

export interface LimitOutlook__Output {
  'limit': (string);
  'used': (number);
  'max': (number);
  'sites': (string)[];
  'text': (string);
}
