// Original file: admin.proto


export interface SiteView {
  'name'?: (string);
  'state'?: (string);
  'attending'?: (boolean);
  'fingerprint'?: (string);
  'certificateExpiresAt'?: (string);
  'joinedAt'?: (string);
  'revokedReason'?: (string);
}

export interface SiteView__Output {
  'name': (string);
  'state': (string);
  'attending': (boolean);
  'fingerprint': (string);
  'certificateExpiresAt': (string);
  'joinedAt': (string);
  'revokedReason': (string);
}
