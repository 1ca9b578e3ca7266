// Original file: admin.proto


export interface MissingSite {
  'site'?: (string);
  'rounds'?: (number);
  'first'?: (number)[];
}

export interface MissingSite__Output {
  'site': (string);
  'rounds': (number);
  'first': (number)[];
}
