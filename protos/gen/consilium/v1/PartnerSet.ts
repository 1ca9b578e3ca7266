// Original file: admin.proto


export interface PartnerSet {
  'purpose'?: (string);
  'sites'?: (string)[];
}

export interface PartnerSet__Output {
  'purpose': (string);
  'sites': (string)[];
}
