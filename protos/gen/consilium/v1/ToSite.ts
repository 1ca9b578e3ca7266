// Original file: federation.proto

import type { StudyOffer as _consilium_v1_StudyOffer, StudyOffer__Output as _consilium_v1_StudyOffer__Output } from '../../consilium/v1/StudyOffer.ts';
import type { Assignment as _consilium_v1_Assignment, Assignment__Output as _consilium_v1_Assignment__Output } from '../../consilium/v1/Assignment.ts';
import type { CollectUpdates as _consilium_v1_CollectUpdates, CollectUpdates__Output as _consilium_v1_CollectUpdates__Output } from '../../consilium/v1/CollectUpdates.ts';
import type { RoundOver as _consilium_v1_RoundOver, RoundOver__Output as _consilium_v1_RoundOver__Output } from '../../consilium/v1/RoundOver.ts';
import type { RunOver as _consilium_v1_RunOver, RunOver__Output as _consilium_v1_RunOver__Output } from '../../consilium/v1/RunOver.ts';

export interface ToSite {
  'study'?: (_consilium_v1_StudyOffer | null);
  'assignment'?: (_consilium_v1_Assignment | null);
  'collectUpdates'?: (_consilium_v1_CollectUpdates | null);
  'roundOver'?: (_consilium_v1_RoundOver | null);
  'runOver'?: (_consilium_v1_RunOver | null);
  'message'?: "study"|"assignment"|"collectUpdates"|"roundOver"|"runOver";
}

export interface ToSite__Output {
  'study'?: (_consilium_v1_StudyOffer__Output | null);
  'assignment'?: (_consilium_v1_Assignment__Output | null);
  'collectUpdates'?: (_consilium_v1_CollectUpdates__Output | null);
  'roundOver'?: (_consilium_v1_RoundOver__Output | null);
  'runOver'?: (_consilium_v1_RunOver__Output | null);
  'message'?: "study"|"assignment"|"collectUpdates"|"roundOver"|"runOver";
}
