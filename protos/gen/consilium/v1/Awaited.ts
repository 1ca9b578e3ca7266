// Original file: admin.proto


export interface Awaited {
  'answers'?: (number);
  'sites'?: (string)[];
  'because'?: (string);
  'until'?: (string);
}

export interface Awaited__Output {
  'answers': (number);
  'sites': (string)[];
  'because': (string);
  'until': (string);
}
