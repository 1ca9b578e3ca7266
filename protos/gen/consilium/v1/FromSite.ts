// Original file: federation.proto

import type { Hello as _consilium_v1_Hello, Hello__Output as _consilium_v1_Hello__Output } from '../../consilium/v1/Hello.ts';
import type { Progress as _consilium_v1_Progress, Progress__Output as _consilium_v1_Progress__Output } from '../../consilium/v1/Progress.ts';
import type { WorkDone as _consilium_v1_WorkDone, WorkDone__Output as _consilium_v1_WorkDone__Output } from '../../consilium/v1/WorkDone.ts';
import type { Refusal as _consilium_v1_Refusal, Refusal__Output as _consilium_v1_Refusal__Output } from '../../consilium/v1/Refusal.ts';
import type { Advertise as _consilium_v1_Advertise, Advertise__Output as _consilium_v1_Advertise__Output } from '../../consilium/v1/Advertise.ts';
import type { ShareKeys as _consilium_v1_ShareKeys, ShareKeys__Output as _consilium_v1_ShareKeys__Output } from '../../consilium/v1/ShareKeys.ts';
import type { Complaint as _consilium_v1_Complaint, Complaint__Output as _consilium_v1_Complaint__Output } from '../../consilium/v1/Complaint.ts';
import type { Confirm as _consilium_v1_Confirm, Confirm__Output as _consilium_v1_Confirm__Output } from '../../consilium/v1/Confirm.ts';
import type { Unmask as _consilium_v1_Unmask, Unmask__Output as _consilium_v1_Unmask__Output } from '../../consilium/v1/Unmask.ts';
import type { Pinned as _consilium_v1_Pinned, Pinned__Output as _consilium_v1_Pinned__Output } from '../../consilium/v1/Pinned.ts';
import type { Pong as _consilium_v1_Pong, Pong__Output as _consilium_v1_Pong__Output } from '../../consilium/v1/Pong.ts';
import type { KnownLedgers as _consilium_v1_KnownLedgers, KnownLedgers__Output as _consilium_v1_KnownLedgers__Output } from '../../consilium/v1/KnownLedgers.ts';
import type { Verified as _consilium_v1_Verified, Verified__Output as _consilium_v1_Verified__Output } from '../../consilium/v1/Verified.ts';
import type { SumNotVerified as _consilium_v1_SumNotVerified, SumNotVerified__Output as _consilium_v1_SumNotVerified__Output } from '../../consilium/v1/SumNotVerified.ts';
import type { KnownHeads as _consilium_v1_KnownHeads, KnownHeads__Output as _consilium_v1_KnownHeads__Output } from '../../consilium/v1/KnownHeads.ts';
import type { StandsOut as _consilium_v1_StandsOut, StandsOut__Output as _consilium_v1_StandsOut__Output } from '../../consilium/v1/StandsOut.ts';

export interface FromSite {
  'hello'?: (_consilium_v1_Hello | null);
  'progress'?: (_consilium_v1_Progress | null);
  'workDone'?: (_consilium_v1_WorkDone | null);
  'refusal'?: (_consilium_v1_Refusal | null);
  'advertise'?: (_consilium_v1_Advertise | null);
  'shareKeys'?: (_consilium_v1_ShareKeys | null);
  'complaint'?: (_consilium_v1_Complaint | null);
  'confirm'?: (_consilium_v1_Confirm | null);
  'unmask'?: (_consilium_v1_Unmask | null);
  'pinned'?: (_consilium_v1_Pinned | null);
  'pong'?: (_consilium_v1_Pong | null);
  'knownLedgers'?: (_consilium_v1_KnownLedgers | null);
  'verified'?: (_consilium_v1_Verified | null);
  'sumNotVerified'?: (_consilium_v1_SumNotVerified | null);
  'knownHeads'?: (_consilium_v1_KnownHeads | null);
  'standsOut'?: (_consilium_v1_StandsOut | null);
  'message'?: "hello"|"progress"|"workDone"|"refusal"|"advertise"|"shareKeys"|"complaint"|"confirm"|"unmask"|"pinned"|"pong"|"knownLedgers"|"verified"|"sumNotVerified"|"knownHeads"|"standsOut";
}

export interface FromSite__Output {
  'hello'?: (_consilium_v1_Hello__Output | null);
  'progress'?: (_consilium_v1_Progress__Output | null);
  'workDone'?: (_consilium_v1_WorkDone__Output | null);
  'refusal'?: (_consilium_v1_Refusal__Output | null);
  'advertise'?: (_consilium_v1_Advertise__Output | null);
  'shareKeys'?: (_consilium_v1_ShareKeys__Output | null);
  'complaint'?: (_consilium_v1_Complaint__Output | null);
  'confirm'?: (_consilium_v1_Confirm__Output | null);
  'unmask'?: (_consilium_v1_Unmask__Output | null);
  'pinned'?: (_consilium_v1_Pinned__Output | null);
  'pong'?: (_consilium_v1_Pong__Output | null);
  'knownLedgers'?: (_consilium_v1_KnownLedgers__Output | null);
  'verified'?: (_consilium_v1_Verified__Output | null);
  'sumNotVerified'?: (_consilium_v1_SumNotVerified__Output | null);
  'knownHeads'?: (_consilium_v1_KnownHeads__Output | null);
  'standsOut'?: (_consilium_v1_StandsOut__Output | null);
  'message'?: "hello"|"progress"|"workDone"|"refusal"|"advertise"|"shareKeys"|"complaint"|"confirm"|"unmask"|"pinned"|"pong"|"knownLedgers"|"verified"|"sumNotVerified"|"knownHeads"|"standsOut";
}
