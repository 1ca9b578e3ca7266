import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Advertise as _consilium_v1_Advertise, Advertise__Output as _consilium_v1_Advertise__Output } from './consilium/v1/Advertise.ts';
import type { AdvertiseKeys as _consilium_v1_AdvertiseKeys, AdvertiseKeys__Output as _consilium_v1_AdvertiseKeys__Output } from './consilium/v1/AdvertiseKeys.ts';
import type { AdvertisedSite as _consilium_v1_AdvertisedSite, AdvertisedSite__Output as _consilium_v1_AdvertisedSite__Output } from './consilium/v1/AdvertisedSite.ts';
import type { Assignment as _consilium_v1_Assignment, Assignment__Output as _consilium_v1_Assignment__Output } from './consilium/v1/Assignment.ts';
import type { Chunk as _consilium_v1_Chunk, Chunk__Output as _consilium_v1_Chunk__Output } from './consilium/v1/Chunk.ts';
import type { CollectUpdates as _consilium_v1_CollectUpdates, CollectUpdates__Output as _consilium_v1_CollectUpdates__Output } from './consilium/v1/CollectUpdates.ts';
import type { Complaint as _consilium_v1_Complaint, Complaint__Output as _consilium_v1_Complaint__Output } from './consilium/v1/Complaint.ts';
import type { Confirm as _consilium_v1_Confirm, Confirm__Output as _consilium_v1_Confirm__Output } from './consilium/v1/Confirm.ts';
import type { Confirmation as _consilium_v1_Confirmation, Confirmation__Output as _consilium_v1_Confirmation__Output } from './consilium/v1/Confirmation.ts';
import type { CoordinatorKeys as _consilium_v1_CoordinatorKeys, CoordinatorKeys__Output as _consilium_v1_CoordinatorKeys__Output } from './consilium/v1/CoordinatorKeys.ts';
import type { Directory as _consilium_v1_Directory, Directory__Output as _consilium_v1_Directory__Output } from './consilium/v1/Directory.ts';
import type { FederationClient as _consilium_v1_FederationClient, FederationDefinition as _consilium_v1_FederationDefinition } from './consilium/v1/Federation.ts';
import type { FetchRequest as _consilium_v1_FetchRequest, FetchRequest__Output as _consilium_v1_FetchRequest__Output } from './consilium/v1/FetchRequest.ts';
import type { FromSite as _consilium_v1_FromSite, FromSite__Output as _consilium_v1_FromSite__Output } from './consilium/v1/FromSite.ts';
import type { Hello as _consilium_v1_Hello, Hello__Output as _consilium_v1_Hello__Output } from './consilium/v1/Hello.ts';
import type { JoinReply as _consilium_v1_JoinReply, JoinReply__Output as _consilium_v1_JoinReply__Output } from './consilium/v1/JoinReply.ts';
import type { JoinRequest as _consilium_v1_JoinRequest, JoinRequest__Output as _consilium_v1_JoinRequest__Output } from './consilium/v1/JoinRequest.ts';
import type { KeyRotation as _consilium_v1_KeyRotation, KeyRotation__Output as _consilium_v1_KeyRotation__Output } from './consilium/v1/KeyRotation.ts';
import type { KnownHeads as _consilium_v1_KnownHeads, KnownHeads__Output as _consilium_v1_KnownHeads__Output } from './consilium/v1/KnownHeads.ts';
import type { KnownLedgers as _consilium_v1_KnownLedgers, KnownLedgers__Output as _consilium_v1_KnownLedgers__Output } from './consilium/v1/KnownLedgers.ts';
import type { LogHead as _consilium_v1_LogHead, LogHead__Output as _consilium_v1_LogHead__Output } from './consilium/v1/LogHead.ts';
import type { LogProofReply as _consilium_v1_LogProofReply, LogProofReply__Output as _consilium_v1_LogProofReply__Output } from './consilium/v1/LogProofReply.ts';
import type { LogProofRequest as _consilium_v1_LogProofRequest, LogProofRequest__Output as _consilium_v1_LogProofRequest__Output } from './consilium/v1/LogProofRequest.ts';
import type { MaskedInput as _consilium_v1_MaskedInput, MaskedInput__Output as _consilium_v1_MaskedInput__Output } from './consilium/v1/MaskedInput.ts';
import type { PartnerChange as _consilium_v1_PartnerChange, PartnerChange__Output as _consilium_v1_PartnerChange__Output } from './consilium/v1/PartnerChange.ts';
import type { PartnerWord as _consilium_v1_PartnerWord, PartnerWord__Output as _consilium_v1_PartnerWord__Output } from './consilium/v1/PartnerWord.ts';
import type { PartnerWordReply as _consilium_v1_PartnerWordReply, PartnerWordReply__Output as _consilium_v1_PartnerWordReply__Output } from './consilium/v1/PartnerWordReply.ts';
import type { PinReply as _consilium_v1_PinReply, PinReply__Output as _consilium_v1_PinReply__Output } from './consilium/v1/PinReply.ts';
import type { Ping as _consilium_v1_Ping, Ping__Output as _consilium_v1_Ping__Output } from './consilium/v1/Ping.ts';
import type { Pinned as _consilium_v1_Pinned, Pinned__Output as _consilium_v1_Pinned__Output } from './consilium/v1/Pinned.ts';
import type { Pong as _consilium_v1_Pong, Pong__Output as _consilium_v1_Pong__Output } from './consilium/v1/Pong.ts';
import type { Progress as _consilium_v1_Progress, Progress__Output as _consilium_v1_Progress__Output } from './consilium/v1/Progress.ts';
import type { Quorum as _consilium_v1_Quorum, Quorum__Output as _consilium_v1_Quorum__Output } from './consilium/v1/Quorum.ts';
import type { ReceivedShare as _consilium_v1_ReceivedShare, ReceivedShare__Output as _consilium_v1_ReceivedShare__Output } from './consilium/v1/ReceivedShare.ts';
import type { Recovery as _consilium_v1_Recovery, Recovery__Output as _consilium_v1_Recovery__Output } from './consilium/v1/Recovery.ts';
import type { Refusal as _consilium_v1_Refusal, Refusal__Output as _consilium_v1_Refusal__Output } from './consilium/v1/Refusal.ts';
import type { RenewReply as _consilium_v1_RenewReply, RenewReply__Output as _consilium_v1_RenewReply__Output } from './consilium/v1/RenewReply.ts';
import type { RenewRequest as _consilium_v1_RenewRequest, RenewRequest__Output as _consilium_v1_RenewRequest__Output } from './consilium/v1/RenewRequest.ts';
import type { Replay as _consilium_v1_Replay, Replay__Output as _consilium_v1_Replay__Output } from './consilium/v1/Replay.ts';
import type { RevealedShare as _consilium_v1_RevealedShare, RevealedShare__Output as _consilium_v1_RevealedShare__Output } from './consilium/v1/RevealedShare.ts';
import type { Revocation as _consilium_v1_Revocation, Revocation__Output as _consilium_v1_Revocation__Output } from './consilium/v1/Revocation.ts';
import type { Revoked as _consilium_v1_Revoked, Revoked__Output as _consilium_v1_Revoked__Output } from './consilium/v1/Revoked.ts';
import type { Roster as _consilium_v1_Roster, Roster__Output as _consilium_v1_Roster__Output } from './consilium/v1/Roster.ts';
import type { RosterSite as _consilium_v1_RosterSite, RosterSite__Output as _consilium_v1_RosterSite__Output } from './consilium/v1/RosterSite.ts';
import type { RoundOver as _consilium_v1_RoundOver, RoundOver__Output as _consilium_v1_RoundOver__Output } from './consilium/v1/RoundOver.ts';
import type { RunOver as _consilium_v1_RunOver, RunOver__Output as _consilium_v1_RunOver__Output } from './consilium/v1/RunOver.ts';
import type { ShareKeys as _consilium_v1_ShareKeys, ShareKeys__Output as _consilium_v1_ShareKeys__Output } from './consilium/v1/ShareKeys.ts';
import type { SharedTo as _consilium_v1_SharedTo, SharedTo__Output as _consilium_v1_SharedTo__Output } from './consilium/v1/SharedTo.ts';
import type { Sharer as _consilium_v1_Sharer, Sharer__Output as _consilium_v1_Sharer__Output } from './consilium/v1/Sharer.ts';
import type { Shares as _consilium_v1_Shares, Shares__Output as _consilium_v1_Shares__Output } from './consilium/v1/Shares.ts';
import type { ShownHead as _consilium_v1_ShownHead, ShownHead__Output as _consilium_v1_ShownHead__Output } from './consilium/v1/ShownHead.ts';
import type { SignedHead as _consilium_v1_SignedHead, SignedHead__Output as _consilium_v1_SignedHead__Output } from './consilium/v1/SignedHead.ts';
import type { SignedLedger as _consilium_v1_SignedLedger, SignedLedger__Output as _consilium_v1_SignedLedger__Output } from './consilium/v1/SignedLedger.ts';
import type { SitesPartnerWord as _consilium_v1_SitesPartnerWord, SitesPartnerWord__Output as _consilium_v1_SitesPartnerWord__Output } from './consilium/v1/SitesPartnerWord.ts';
import type { StandsOut as _consilium_v1_StandsOut, StandsOut__Output as _consilium_v1_StandsOut__Output } from './consilium/v1/StandsOut.ts';
import type { StandsOutReply as _consilium_v1_StandsOutReply, StandsOutReply__Output as _consilium_v1_StandsOutReply__Output } from './consilium/v1/StandsOutReply.ts';
import type { StoodOut as _consilium_v1_StoodOut, StoodOut__Output as _consilium_v1_StoodOut__Output } from './consilium/v1/StoodOut.ts';
import type { StudiesRequest as _consilium_v1_StudiesRequest, StudiesRequest__Output as _consilium_v1_StudiesRequest__Output } from './consilium/v1/StudiesRequest.ts';
import type { StudyDecision as _consilium_v1_StudyDecision, StudyDecision__Output as _consilium_v1_StudyDecision__Output } from './consilium/v1/StudyDecision.ts';
import type { StudyDecisionReply as _consilium_v1_StudyDecisionReply, StudyDecisionReply__Output as _consilium_v1_StudyDecisionReply__Output } from './consilium/v1/StudyDecisionReply.ts';
import type { StudyOffer as _consilium_v1_StudyOffer, StudyOffer__Output as _consilium_v1_StudyOffer__Output } from './consilium/v1/StudyOffer.ts';
import type { SumNotVerified as _consilium_v1_SumNotVerified, SumNotVerified__Output as _consilium_v1_SumNotVerified__Output } from './consilium/v1/SumNotVerified.ts';
import type { Survivor as _consilium_v1_Survivor, Survivor__Output as _consilium_v1_Survivor__Output } from './consilium/v1/Survivor.ts';
import type { Survivors as _consilium_v1_Survivors, Survivors__Output as _consilium_v1_Survivors__Output } from './consilium/v1/Survivors.ts';
import type { ToSite as _consilium_v1_ToSite, ToSite__Output as _consilium_v1_ToSite__Output } from './consilium/v1/ToSite.ts';
import type { Unmask as _consilium_v1_Unmask, Unmask__Output as _consilium_v1_Unmask__Output } from './consilium/v1/Unmask.ts';
import type { UploadHeader as _consilium_v1_UploadHeader, UploadHeader__Output as _consilium_v1_UploadHeader__Output } from './consilium/v1/UploadHeader.ts';
import type { UploadOffsetReply as _consilium_v1_UploadOffsetReply, UploadOffsetReply__Output as _consilium_v1_UploadOffsetReply__Output } from './consilium/v1/UploadOffsetReply.ts';
import type { UploadOffsetRequest as _consilium_v1_UploadOffsetRequest, UploadOffsetRequest__Output as _consilium_v1_UploadOffsetRequest__Output } from './consilium/v1/UploadOffsetRequest.ts';
import type { UploadPart as _consilium_v1_UploadPart, UploadPart__Output as _consilium_v1_UploadPart__Output } from './consilium/v1/UploadPart.ts';
import type { UploadReply as _consilium_v1_UploadReply, UploadReply__Output as _consilium_v1_UploadReply__Output } from './consilium/v1/UploadReply.ts';
import type { Verified as _consilium_v1_Verified, Verified__Output as _consilium_v1_Verified__Output } from './consilium/v1/Verified.ts';
import type { VerifySum as _consilium_v1_VerifySum, VerifySum__Output as _consilium_v1_VerifySum__Output } from './consilium/v1/VerifySum.ts';
import type { WorkDone as _consilium_v1_WorkDone, WorkDone__Output as _consilium_v1_WorkDone__Output } from './consilium/v1/WorkDone.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  consilium: {
    v1: {
      Advertise: MessageTypeDefinition<_consilium_v1_Advertise, _consilium_v1_Advertise__Output>
      AdvertiseKeys: MessageTypeDefinition<_consilium_v1_AdvertiseKeys, _consilium_v1_AdvertiseKeys__Output>
      AdvertisedSite: MessageTypeDefinition<_consilium_v1_AdvertisedSite, _consilium_v1_AdvertisedSite__Output>
      Assignment: MessageTypeDefinition<_consilium_v1_Assignment, _consilium_v1_Assignment__Output>
      Chunk: MessageTypeDefinition<_consilium_v1_Chunk, _consilium_v1_Chunk__Output>
      CollectUpdates: MessageTypeDefinition<_consilium_v1_CollectUpdates, _consilium_v1_CollectUpdates__Output>
      Complaint: MessageTypeDefinition<_consilium_v1_Complaint, _consilium_v1_Complaint__Output>
      Confirm: MessageTypeDefinition<_consilium_v1_Confirm, _consilium_v1_Confirm__Output>
      Confirmation: MessageTypeDefinition<_consilium_v1_Confirmation, _consilium_v1_Confirmation__Output>
      CoordinatorKeys: MessageTypeDefinition<_consilium_v1_CoordinatorKeys, _consilium_v1_CoordinatorKeys__Output>
      Directory: MessageTypeDefinition<_consilium_v1_Directory, _consilium_v1_Directory__Output>
      Federation: SubtypeConstructor<typeof grpc.Client, _consilium_v1_FederationClient> & { service: _consilium_v1_FederationDefinition }
      FetchRequest: MessageTypeDefinition<_consilium_v1_FetchRequest, _consilium_v1_FetchRequest__Output>
      FromSite: MessageTypeDefinition<_consilium_v1_FromSite, _consilium_v1_FromSite__Output>
      Hello: MessageTypeDefinition<_consilium_v1_Hello, _consilium_v1_Hello__Output>
      JoinReply: MessageTypeDefinition<_consilium_v1_JoinReply, _consilium_v1_JoinReply__Output>
      JoinRequest: MessageTypeDefinition<_consilium_v1_JoinRequest, _consilium_v1_JoinRequest__Output>
      KeyRotation: MessageTypeDefinition<_consilium_v1_KeyRotation, _consilium_v1_KeyRotation__Output>
      KnownHeads: MessageTypeDefinition<_consilium_v1_KnownHeads, _consilium_v1_KnownHeads__Output>
      KnownLedgers: MessageTypeDefinition<_consilium_v1_KnownLedgers, _consilium_v1_KnownLedgers__Output>
      LogHead: MessageTypeDefinition<_consilium_v1_LogHead, _consilium_v1_LogHead__Output>
      LogProofReply: MessageTypeDefinition<_consilium_v1_LogProofReply, _consilium_v1_LogProofReply__Output>
      LogProofRequest: MessageTypeDefinition<_consilium_v1_LogProofRequest, _consilium_v1_LogProofRequest__Output>
      MaskedInput: MessageTypeDefinition<_consilium_v1_MaskedInput, _consilium_v1_MaskedInput__Output>
      PartnerChange: MessageTypeDefinition<_consilium_v1_PartnerChange, _consilium_v1_PartnerChange__Output>
      PartnerWord: MessageTypeDefinition<_consilium_v1_PartnerWord, _consilium_v1_PartnerWord__Output>
      PartnerWordReply: MessageTypeDefinition<_consilium_v1_PartnerWordReply, _consilium_v1_PartnerWordReply__Output>
      PinReply: MessageTypeDefinition<_consilium_v1_PinReply, _consilium_v1_PinReply__Output>
      Ping: MessageTypeDefinition<_consilium_v1_Ping, _consilium_v1_Ping__Output>
      Pinned: MessageTypeDefinition<_consilium_v1_Pinned, _consilium_v1_Pinned__Output>
      Pong: MessageTypeDefinition<_consilium_v1_Pong, _consilium_v1_Pong__Output>
      Progress: MessageTypeDefinition<_consilium_v1_Progress, _consilium_v1_Progress__Output>
      Quorum: MessageTypeDefinition<_consilium_v1_Quorum, _consilium_v1_Quorum__Output>
      ReceivedShare: MessageTypeDefinition<_consilium_v1_ReceivedShare, _consilium_v1_ReceivedShare__Output>
      Recovery: MessageTypeDefinition<_consilium_v1_Recovery, _consilium_v1_Recovery__Output>
      Refusal: MessageTypeDefinition<_consilium_v1_Refusal, _consilium_v1_Refusal__Output>
      RenewReply: MessageTypeDefinition<_consilium_v1_RenewReply, _consilium_v1_RenewReply__Output>
      RenewRequest: MessageTypeDefinition<_consilium_v1_RenewRequest, _consilium_v1_RenewRequest__Output>
      Replay: MessageTypeDefinition<_consilium_v1_Replay, _consilium_v1_Replay__Output>
      RevealedShare: MessageTypeDefinition<_consilium_v1_RevealedShare, _consilium_v1_RevealedShare__Output>
      Revocation: MessageTypeDefinition<_consilium_v1_Revocation, _consilium_v1_Revocation__Output>
      Revoked: MessageTypeDefinition<_consilium_v1_Revoked, _consilium_v1_Revoked__Output>
      Roster: MessageTypeDefinition<_consilium_v1_Roster, _consilium_v1_Roster__Output>
      RosterSite: MessageTypeDefinition<_consilium_v1_RosterSite, _consilium_v1_RosterSite__Output>
      RoundOver: MessageTypeDefinition<_consilium_v1_RoundOver, _consilium_v1_RoundOver__Output>
      RunOver: MessageTypeDefinition<_consilium_v1_RunOver, _consilium_v1_RunOver__Output>
      ShareKeys: MessageTypeDefinition<_consilium_v1_ShareKeys, _consilium_v1_ShareKeys__Output>
      SharedTo: MessageTypeDefinition<_consilium_v1_SharedTo, _consilium_v1_SharedTo__Output>
      Sharer: MessageTypeDefinition<_consilium_v1_Sharer, _consilium_v1_Sharer__Output>
      Shares: MessageTypeDefinition<_consilium_v1_Shares, _consilium_v1_Shares__Output>
      ShownHead: MessageTypeDefinition<_consilium_v1_ShownHead, _consilium_v1_ShownHead__Output>
      SignedHead: MessageTypeDefinition<_consilium_v1_SignedHead, _consilium_v1_SignedHead__Output>
      SignedLedger: MessageTypeDefinition<_consilium_v1_SignedLedger, _consilium_v1_SignedLedger__Output>
      SitesPartnerWord: MessageTypeDefinition<_consilium_v1_SitesPartnerWord, _consilium_v1_SitesPartnerWord__Output>
      StandsOut: MessageTypeDefinition<_consilium_v1_StandsOut, _consilium_v1_StandsOut__Output>
      StandsOutReply: MessageTypeDefinition<_consilium_v1_StandsOutReply, _consilium_v1_StandsOutReply__Output>
      StoodOut: MessageTypeDefinition<_consilium_v1_StoodOut, _consilium_v1_StoodOut__Output>
      StudiesRequest: MessageTypeDefinition<_consilium_v1_StudiesRequest, _consilium_v1_StudiesRequest__Output>
      StudyDecision: MessageTypeDefinition<_consilium_v1_StudyDecision, _consilium_v1_StudyDecision__Output>
      StudyDecisionReply: MessageTypeDefinition<_consilium_v1_StudyDecisionReply, _consilium_v1_StudyDecisionReply__Output>
      StudyOffer: MessageTypeDefinition<_consilium_v1_StudyOffer, _consilium_v1_StudyOffer__Output>
      SumNotVerified: MessageTypeDefinition<_consilium_v1_SumNotVerified, _consilium_v1_SumNotVerified__Output>
      Survivor: MessageTypeDefinition<_consilium_v1_Survivor, _consilium_v1_Survivor__Output>
      Survivors: MessageTypeDefinition<_consilium_v1_Survivors, _consilium_v1_Survivors__Output>
      ToSite: MessageTypeDefinition<_consilium_v1_ToSite, _consilium_v1_ToSite__Output>
      Unmask: MessageTypeDefinition<_consilium_v1_Unmask, _consilium_v1_Unmask__Output>
      UploadHeader: MessageTypeDefinition<_consilium_v1_UploadHeader, _consilium_v1_UploadHeader__Output>
      UploadOffsetReply: MessageTypeDefinition<_consilium_v1_UploadOffsetReply, _consilium_v1_UploadOffsetReply__Output>
      UploadOffsetRequest: MessageTypeDefinition<_consilium_v1_UploadOffsetRequest, _consilium_v1_UploadOffsetRequest__Output>
      UploadPart: MessageTypeDefinition<_consilium_v1_UploadPart, _consilium_v1_UploadPart__Output>
      UploadReply: MessageTypeDefinition<_consilium_v1_UploadReply, _consilium_v1_UploadReply__Output>
      Verified: MessageTypeDefinition<_consilium_v1_Verified, _consilium_v1_Verified__Output>
      VerifySum: MessageTypeDefinition<_consilium_v1_VerifySum, _consilium_v1_VerifySum__Output>
      WorkDone: MessageTypeDefinition<_consilium_v1_WorkDone, _consilium_v1_WorkDone__Output>
    }
  }
}

