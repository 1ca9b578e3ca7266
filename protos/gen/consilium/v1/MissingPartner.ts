// Original file: admin.proto


export interface MissingPartner {
  'site'?: (string);
  'why'?: (string);
}

export interface MissingPartner__Output {
  'site': (string);
  'why': (string);
}
