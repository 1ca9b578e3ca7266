// Original file: federation.proto

import type { RosterSite as _consilium_v1_RosterSite, RosterSite__Output as _consilium_v1_RosterSite__Output } from '../../consilium/v1/RosterSite.ts';

export interface Pinned {
  'sites'?: (_consilium_v1_RosterSite)[];
}

export interface Pinned__Output {
  'sites': (_consilium_v1_RosterSite__Output)[];
}
