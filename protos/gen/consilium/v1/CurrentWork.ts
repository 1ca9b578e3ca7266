// Original file: admin.proto

import type { SiteProgress as _consilium_v1_SiteProgress, SiteProgress__Output as _consilium_v1_SiteProgress__Output } from '../../consilium/v1/SiteProgress.ts';

export interface CurrentWork {
  'round'?: (number);
  'purpose'?: (string);
  'phase'?: (string);
  'sites'?: (_consilium_v1_SiteProgress)[];
}

export interface CurrentWork__Output {
  'round': (number);
  'purpose': (string);
  'phase': (string);
  'sites': (_consilium_v1_SiteProgress__Output)[];
}
