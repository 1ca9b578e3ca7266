// Original file: federation.proto

import type { Hello as _consilium_v1_Hello, Hello__Output as _consilium_v1_Hello__Output } from '../../consilium/v1/Hello.ts';
import type { Progress as _consilium_v1_Progress, Progress__Output as _consilium_v1_Progress__Output } from '../../consilium/v1/Progress.ts';
import type { WorkDone as _consilium_v1_WorkDone, WorkDone__Output as _consilium_v1_WorkDone__Output } from '../../consilium/v1/WorkDone.ts';
import type { Refusal as _consilium_v1_Refusal, Refusal__Output as _consilium_v1_Refusal__Output } from '../../consilium/v1/Refusal.ts';

export interface FromSite {
  'hello'?: (_consilium_v1_Hello | null);
  'progress'?: (_consilium_v1_Progress | null);
  'workDone'?: (_consilium_v1_WorkDone | null);
  'refusal'?: (_consilium_v1_Refusal | null);
  'message'?: "hello"|"progress"|"workDone"|"refusal";
}

export interface FromSite__Output {
  'hello'?: (_consilium_v1_Hello__Output | null);
  'progress'?: (_consilium_v1_Progress__Output | null);
  'workDone'?: (_consilium_v1_WorkDone__Output | null);
  'refusal'?: (_consilium_v1_Refusal__Output | null);
  'message'?: "hello"|"progress"|"workDone"|"refusal";
}
