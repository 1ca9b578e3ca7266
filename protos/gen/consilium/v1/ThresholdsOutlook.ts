// Original file: admin.proto


export interface ThresholdsOutlook {
  'planned'?: (number);
  'sites'?: (number);
  'colluders'?: (number);
  'survivorsMin'?: (number);
  'threshold'?: (number);
  'fewest'?: (number);
}

export interface ThresholdsOutlook__Output {
  'planned': (number);
  'sites': (number);
  'colluders': (number);
  'survivorsMin': (number);
  'threshold': (number);
  'fewest': (number);
}
