// Original file: federation.proto

import type { RosterSite as _consilium_v1_RosterSite, RosterSite__Output as _consilium_v1_RosterSite__Output } from '../../consilium/v1/RosterSite.ts';

export interface Roster {
  'sites'?: (_consilium_v1_RosterSite)[];
}

export interface Roster__Output {
  'sites': (_consilium_v1_RosterSite__Output)[];
}
