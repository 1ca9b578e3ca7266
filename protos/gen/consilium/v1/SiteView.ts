// Original file: admin.proto

import type { SiteStandsOut as _consilium_v1_SiteStandsOut, SiteStandsOut__Output as _consilium_v1_SiteStandsOut__Output } from '../../consilium/v1/SiteStandsOut.ts';

export interface SiteView {
  'name'?: (string);
  'state'?: (string);
  'attending'?: (boolean);
  'fingerprint'?: (string);
  'certificateExpiresAt'?: (string);
  'joinedAt'?: (string);
  'revokedReason'?: (string);
  'standsOut'?: (_consilium_v1_SiteStandsOut)[];
}

export interface SiteView__Output {
  'name': (string);
  'state': (string);
  'attending': (boolean);
  'fingerprint': (string);
  'certificateExpiresAt': (string);
  'joinedAt': (string);
  'revokedReason': (string);
  'standsOut': (_consilium_v1_SiteStandsOut__Output)[];
}
