// Original file: admin.proto


export interface SiteDecision {
  'site'?: (string);
  'decision'?: (string);
  'reason'?: (string);
  'at'?: (string);
}

export interface SiteDecision__Output {
  'site': (string);
  'decision': (string);
  'reason': (string);
  'at': (string);
}
