// Original file: secagg.proto

import type { AdvertisedSite as _consilium_v1_AdvertisedSite, AdvertisedSite__Output as _consilium_v1_AdvertisedSite__Output } from '../../consilium/v1/AdvertisedSite.ts';

export interface Directory {
  'planHash'?: (Buffer | Uint8Array | string);
  'sites'?: (_consilium_v1_AdvertisedSite)[];
}

export interface Directory__Output {
  'planHash': (Buffer);
  'sites': (_consilium_v1_AdvertisedSite__Output)[];
}
