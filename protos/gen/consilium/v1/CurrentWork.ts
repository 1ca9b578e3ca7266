// Original file: admin.proto

import type { SiteProgress as _consilium_v1_SiteProgress, SiteProgress__Output as _consilium_v1_SiteProgress__Output } from '../../consilium/v1/SiteProgress.ts';
import type { Awaited as _consilium_v1_Awaited, Awaited__Output as _consilium_v1_Awaited__Output } from '../../consilium/v1/Awaited.ts';
import type { LeftOut as _consilium_v1_LeftOut, LeftOut__Output as _consilium_v1_LeftOut__Output } from '../../consilium/v1/LeftOut.ts';

export interface CurrentWork {
  'round'?: (number);
  'purpose'?: (string);
  'phase'?: (string);
  'sites'?: (_consilium_v1_SiteProgress)[];
  'awaited'?: (_consilium_v1_Awaited | null);
  'leftOut'?: (_consilium_v1_LeftOut)[];
  'attempt'?: (number);
}

export interface CurrentWork__Output {
  'round': (number);
  'purpose': (string);
  'phase': (string);
  'sites': (_consilium_v1_SiteProgress__Output)[];
  'awaited': (_consilium_v1_Awaited__Output | null);
  'leftOut': (_consilium_v1_LeftOut__Output)[];
  'attempt': (number);
}
