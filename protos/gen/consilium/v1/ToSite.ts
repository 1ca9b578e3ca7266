// Original file: federation.proto

import type { StudyOffer as _consilium_v1_StudyOffer, StudyOffer__Output as _consilium_v1_StudyOffer__Output } from '../../consilium/v1/StudyOffer.ts';
import type { Assignment as _consilium_v1_Assignment, Assignment__Output as _consilium_v1_Assignment__Output } from '../../consilium/v1/Assignment.ts';
import type { CollectUpdates as _consilium_v1_CollectUpdates, CollectUpdates__Output as _consilium_v1_CollectUpdates__Output } from '../../consilium/v1/CollectUpdates.ts';
import type { RoundOver as _consilium_v1_RoundOver, RoundOver__Output as _consilium_v1_RoundOver__Output } from '../../consilium/v1/RoundOver.ts';
import type { RunOver as _consilium_v1_RunOver, RunOver__Output as _consilium_v1_RunOver__Output } from '../../consilium/v1/RunOver.ts';
import type { AdvertiseKeys as _consilium_v1_AdvertiseKeys, AdvertiseKeys__Output as _consilium_v1_AdvertiseKeys__Output } from '../../consilium/v1/AdvertiseKeys.ts';
import type { Directory as _consilium_v1_Directory, Directory__Output as _consilium_v1_Directory__Output } from '../../consilium/v1/Directory.ts';
import type { Shares as _consilium_v1_Shares, Shares__Output as _consilium_v1_Shares__Output } from '../../consilium/v1/Shares.ts';
import type { Survivors as _consilium_v1_Survivors, Survivors__Output as _consilium_v1_Survivors__Output } from '../../consilium/v1/Survivors.ts';
import type { Quorum as _consilium_v1_Quorum, Quorum__Output as _consilium_v1_Quorum__Output } from '../../consilium/v1/Quorum.ts';
import type { Roster as _consilium_v1_Roster, Roster__Output as _consilium_v1_Roster__Output } from '../../consilium/v1/Roster.ts';
import type { CoordinatorKeys as _consilium_v1_CoordinatorKeys, CoordinatorKeys__Output as _consilium_v1_CoordinatorKeys__Output } from '../../consilium/v1/CoordinatorKeys.ts';
import type { Ping as _consilium_v1_Ping, Ping__Output as _consilium_v1_Ping__Output } from '../../consilium/v1/Ping.ts';
import type { SignedLedger as _consilium_v1_SignedLedger, SignedLedger__Output as _consilium_v1_SignedLedger__Output } from '../../consilium/v1/SignedLedger.ts';
import type { VerifySum as _consilium_v1_VerifySum, VerifySum__Output as _consilium_v1_VerifySum__Output } from '../../consilium/v1/VerifySum.ts';
import type { PartnerChange as _consilium_v1_PartnerChange, PartnerChange__Output as _consilium_v1_PartnerChange__Output } from '../../consilium/v1/PartnerChange.ts';
import type { ShownHead as _consilium_v1_ShownHead, ShownHead__Output as _consilium_v1_ShownHead__Output } from '../../consilium/v1/ShownHead.ts';
import type { Revoked as _consilium_v1_Revoked, Revoked__Output as _consilium_v1_Revoked__Output } from '../../consilium/v1/Revoked.ts';

export interface ToSite {
  'study'?: (_consilium_v1_StudyOffer | null);
  'assignment'?: (_consilium_v1_Assignment | null);
  'collectUpdates'?: (_consilium_v1_CollectUpdates | null);
  'roundOver'?: (_consilium_v1_RoundOver | null);
  'runOver'?: (_consilium_v1_RunOver | null);
  'advertiseKeys'?: (_consilium_v1_AdvertiseKeys | null);
  'directory'?: (_consilium_v1_Directory | null);
  'shares'?: (_consilium_v1_Shares | null);
  'survivors'?: (_consilium_v1_Survivors | null);
  'quorum'?: (_consilium_v1_Quorum | null);
  'roster'?: (_consilium_v1_Roster | null);
  'coordinatorKeys'?: (_consilium_v1_CoordinatorKeys | null);
  'ping'?: (_consilium_v1_Ping | null);
  'ledgerSeen'?: (_consilium_v1_SignedLedger | null);
  'verifySum'?: (_consilium_v1_VerifySum | null);
  'partnerChange'?: (_consilium_v1_PartnerChange | null);
  'shownHead'?: (_consilium_v1_ShownHead | null);
  'revoked'?: (_consilium_v1_Revoked | null);
  'message'?: "study"|"assignment"|"collectUpdates"|"roundOver"|"runOver"|"advertiseKeys"|"directory"|"shares"|"survivors"|"quorum"|"roster"|"coordinatorKeys"|"ping"|"ledgerSeen"|"verifySum"|"partnerChange"|"shownHead"|"revoked";
}

export interface ToSite__Output {
  'study'?: (_consilium_v1_StudyOffer__Output | null);
  'assignment'?: (_consilium_v1_Assignment__Output | null);
  'collectUpdates'?: (_consilium_v1_CollectUpdates__Output | null);
  'roundOver'?: (_consilium_v1_RoundOver__Output | null);
  'runOver'?: (_consilium_v1_RunOver__Output | null);
  'advertiseKeys'?: (_consilium_v1_AdvertiseKeys__Output | null);
  'directory'?: (_consilium_v1_Directory__Output | null);
  'shares'?: (_consilium_v1_Shares__Output | null);
  'survivors'?: (_consilium_v1_Survivors__Output | null);
  'quorum'?: (_consilium_v1_Quorum__Output | null);
  'roster'?: (_consilium_v1_Roster__Output | null);
  'coordinatorKeys'?: (_consilium_v1_CoordinatorKeys__Output | null);
  'ping'?: (_consilium_v1_Ping__Output | null);
  'ledgerSeen'?: (_consilium_v1_SignedLedger__Output | null);
  'verifySum'?: (_consilium_v1_VerifySum__Output | null);
  'partnerChange'?: (_consilium_v1_PartnerChange__Output | null);
  'shownHead'?: (_consilium_v1_ShownHead__Output | null);
  'revoked'?: (_consilium_v1_Revoked__Output | null);
  'message'?: "study"|"assignment"|"collectUpdates"|"roundOver"|"runOver"|"advertiseKeys"|"directory"|"shares"|"survivors"|"quorum"|"roster"|"coordinatorKeys"|"ping"|"ledgerSeen"|"verifySum"|"partnerChange"|"shownHead"|"revoked";
}
