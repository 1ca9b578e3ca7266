// Original file: admin.proto

import type { RoundView as _consilium_v1_RoundView, RoundView__Output as _consilium_v1_RoundView__Output } from '../../consilium/v1/RoundView.ts';
import type { CurrentWork as _consilium_v1_CurrentWork, CurrentWork__Output as _consilium_v1_CurrentWork__Output } from '../../consilium/v1/CurrentWork.ts';
import type { SiteResult as _consilium_v1_SiteResult, SiteResult__Output as _consilium_v1_SiteResult__Output } from '../../consilium/v1/SiteResult.ts';
import type { MissingSite as _consilium_v1_MissingSite, MissingSite__Output as _consilium_v1_MissingSite__Output } from '../../consilium/v1/MissingSite.ts';
import type { TakenColumns as _consilium_v1_TakenColumns, TakenColumns__Output as _consilium_v1_TakenColumns__Output } from '../../consilium/v1/TakenColumns.ts';

export interface RunView {
  'run'?: (string);
  'studyHash'?: (string);
  'studyName'?: (string);
  'state'?: (string);
  'reason'?: (string);
  'startedAt'?: (string);
  'endedAt'?: (string);
  'roundsPlanned'?: (number);
  'rounds'?: (_consilium_v1_RoundView)[];
  'current'?: (_consilium_v1_CurrentWork | null);
  'modelSha256'?: (Buffer | Uint8Array | string);
  'parametersSha256'?: (Buffer | Uint8Array | string);
  'logHead'?: (string);
  'final'?: (_consilium_v1_SiteResult)[];
  'moreRounds'?: (boolean);
  'aggregation'?: (string);
  'missing'?: (_consilium_v1_MissingSite)[];
  'columnsTaken'?: (_consilium_v1_TakenColumns)[];
}

export interface RunView__Output {
  'run': (string);
  'studyHash': (string);
  'studyName': (string);
  'state': (string);
  'reason': (string);
  'startedAt': (string);
  'endedAt': (string);
  'roundsPlanned': (number);
  'rounds': (_consilium_v1_RoundView__Output)[];
  'current': (_consilium_v1_CurrentWork__Output | null);
  'modelSha256': (Buffer);
  'parametersSha256': (Buffer);
  'logHead': (string);
  'final': (_consilium_v1_SiteResult__Output)[];
  'moreRounds': (boolean);
  'aggregation': (string);
  'missing': (_consilium_v1_MissingSite__Output)[];
  'columnsTaken': (_consilium_v1_TakenColumns__Output)[];
}
