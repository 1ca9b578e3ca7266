// Original file: admin.proto

import type { MissingPartner as _consilium_v1_MissingPartner, MissingPartner__Output as _consilium_v1_MissingPartner__Output } from '../../consilium/v1/MissingPartner.ts';

export interface SumOutlook {
  'purpose'?: (string);
  'outlook'?: (string);
  'sites'?: (string)[];
  'settled'?: (boolean);
  'missing'?: (_consilium_v1_MissingPartner)[];
  'reason'?: (string);
  'waysOut'?: (string)[];
}

export interface SumOutlook__Output {
  'purpose': (string);
  'outlook': (string);
  'sites': (string)[];
  'settled': (boolean);
  'missing': (_consilium_v1_MissingPartner__Output)[];
  'reason': (string);
  'waysOut': (string)[];
}
