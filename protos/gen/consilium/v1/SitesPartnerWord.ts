// Original file: federation.proto

import type { PartnerWord as _consilium_v1_PartnerWord, PartnerWord__Output as _consilium_v1_PartnerWord__Output } from '../../consilium/v1/PartnerWord.ts';

export interface SitesPartnerWord {
  'site'?: (string);
  'word'?: (_consilium_v1_PartnerWord | null);
}

export interface SitesPartnerWord__Output {
  'site': (string);
  'word': (_consilium_v1_PartnerWord__Output | null);
}
