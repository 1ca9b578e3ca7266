// Original file: admin.proto

import type { StartRefusal as _consilium_v1_StartRefusal, StartRefusal__Output as _consilium_v1_StartRefusal__Output } from '../../consilium/v1/StartRefusal.ts';
import type { SiteOutlook as _consilium_v1_SiteOutlook, SiteOutlook__Output as _consilium_v1_SiteOutlook__Output } from '../../consilium/v1/SiteOutlook.ts';
import type { ThresholdsOutlook as _consilium_v1_ThresholdsOutlook, ThresholdsOutlook__Output as _consilium_v1_ThresholdsOutlook__Output } from '../../consilium/v1/ThresholdsOutlook.ts';
import type { SumOutlook as _consilium_v1_SumOutlook, SumOutlook__Output as _consilium_v1_SumOutlook__Output } from '../../consilium/v1/SumOutlook.ts';
import type { LimitOutlook as _consilium_v1_LimitOutlook, LimitOutlook__Output as _consilium_v1_LimitOutlook__Output } from '../../consilium/v1/LimitOutlook.ts';
import type { TakenColumns as _consilium_v1_TakenColumns, TakenColumns__Output as _consilium_v1_TakenColumns__Output } from '../../consilium/v1/TakenColumns.ts';

export interface RunOutlook {
  'studyHash'?: (string);
  'studyName'?: (string);
  'aggregation'?: (string);
  'refusals'?: (_consilium_v1_StartRefusal)[];
  'sites'?: (_consilium_v1_SiteOutlook)[];
  'thresholds'?: (_consilium_v1_ThresholdsOutlook | null);
  'sums'?: (_consilium_v1_SumOutlook)[];
  'limits'?: (_consilium_v1_LimitOutlook)[];
  'columnsTaken'?: (_consilium_v1_TakenColumns)[];
}

export interface RunOutlook__Output {
  'studyHash': (string);
  'studyName': (string);
  'aggregation': (string);
  'refusals': (_consilium_v1_StartRefusal__Output)[];
  'sites': (_consilium_v1_SiteOutlook__Output)[];
  'thresholds': (_consilium_v1_ThresholdsOutlook__Output | null);
  'sums': (_consilium_v1_SumOutlook__Output)[];
  'limits': (_consilium_v1_LimitOutlook__Output)[];
  'columnsTaken': (_consilium_v1_TakenColumns__Output)[];
}
