// Original file: admin.proto


export interface SiteOutlook {
  'site'?: (string);
  'decision'?: (string);
  'attending'?: (boolean);
  'awaySince'?: (string);
}

export interface SiteOutlook__Output {
  'site': (string);
  'decision': (string);
  'attending': (boolean);
  'awaySince': (string);
}
