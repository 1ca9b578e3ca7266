// Original file: admin.proto

import type { SiteView as _consilium_v1_SiteView, SiteView__Output as _consilium_v1_SiteView__Output } from '../../consilium/v1/SiteView.ts';

export interface SiteList {
  'sites'?: (_consilium_v1_SiteView)[];
}

export interface SiteList__Output {
  'sites': (_consilium_v1_SiteView__Output)[];
}
