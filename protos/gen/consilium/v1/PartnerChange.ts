// Original file: federation.proto

import type { SitesPartnerWord as _consilium_v1_SitesPartnerWord, SitesPartnerWord__Output as _consilium_v1_SitesPartnerWord__Output } from '../../consilium/v1/SitesPartnerWord.ts';

export interface PartnerChange {
  'change'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
  'words'?: (_consilium_v1_SitesPartnerWord)[];
  'heard'?: (boolean);
}

export interface PartnerChange__Output {
  'change': (Buffer);
  'signature': (Buffer);
  'words': (_consilium_v1_SitesPartnerWord__Output)[];
  'heard': (boolean);
}
