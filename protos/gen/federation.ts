import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Assignment as _consilium_v1_Assignment, Assignment__Output as _consilium_v1_Assignment__Output } from './consilium/v1/Assignment.ts';
import type { Chunk as _consilium_v1_Chunk, Chunk__Output as _consilium_v1_Chunk__Output } from './consilium/v1/Chunk.ts';
import type { CollectUpdates as _consilium_v1_CollectUpdates, CollectUpdates__Output as _consilium_v1_CollectUpdates__Output } from './consilium/v1/CollectUpdates.ts';
import type { FederationClient as _consilium_v1_FederationClient, FederationDefinition as _consilium_v1_FederationDefinition } from './consilium/v1/Federation.ts';
import type { FetchRequest as _consilium_v1_FetchRequest, FetchRequest__Output as _consilium_v1_FetchRequest__Output } from './consilium/v1/FetchRequest.ts';
import type { FromSite as _consilium_v1_FromSite, FromSite__Output as _consilium_v1_FromSite__Output } from './consilium/v1/FromSite.ts';
import type { Hello as _consilium_v1_Hello, Hello__Output as _consilium_v1_Hello__Output } from './consilium/v1/Hello.ts';
import type { JoinReply as _consilium_v1_JoinReply, JoinReply__Output as _consilium_v1_JoinReply__Output } from './consilium/v1/JoinReply.ts';
import type { JoinRequest as _consilium_v1_JoinRequest, JoinRequest__Output as _consilium_v1_JoinRequest__Output } from './consilium/v1/JoinRequest.ts';
import type { Progress as _consilium_v1_Progress, Progress__Output as _consilium_v1_Progress__Output } from './consilium/v1/Progress.ts';
import type { Refusal as _consilium_v1_Refusal, Refusal__Output as _consilium_v1_Refusal__Output } from './consilium/v1/Refusal.ts';
import type { RenewReply as _consilium_v1_RenewReply, RenewReply__Output as _consilium_v1_RenewReply__Output } from './consilium/v1/RenewReply.ts';
import type { RenewRequest as _consilium_v1_RenewRequest, RenewRequest__Output as _consilium_v1_RenewRequest__Output } from './consilium/v1/RenewRequest.ts';
import type { RoundOver as _consilium_v1_RoundOver, RoundOver__Output as _consilium_v1_RoundOver__Output } from './consilium/v1/RoundOver.ts';
import type { RunOver as _consilium_v1_RunOver, RunOver__Output as _consilium_v1_RunOver__Output } from './consilium/v1/RunOver.ts';
import type { StudiesRequest as _consilium_v1_StudiesRequest, StudiesRequest__Output as _consilium_v1_StudiesRequest__Output } from './consilium/v1/StudiesRequest.ts';
import type { StudyDecision as _consilium_v1_StudyDecision, StudyDecision__Output as _consilium_v1_StudyDecision__Output } from './consilium/v1/StudyDecision.ts';
import type { StudyDecisionReply as _consilium_v1_StudyDecisionReply, StudyDecisionReply__Output as _consilium_v1_StudyDecisionReply__Output } from './consilium/v1/StudyDecisionReply.ts';
import type { StudyOffer as _consilium_v1_StudyOffer, StudyOffer__Output as _consilium_v1_StudyOffer__Output } from './consilium/v1/StudyOffer.ts';
import type { ToSite as _consilium_v1_ToSite, ToSite__Output as _consilium_v1_ToSite__Output } from './consilium/v1/ToSite.ts';
import type { UploadHeader as _consilium_v1_UploadHeader, UploadHeader__Output as _consilium_v1_UploadHeader__Output } from './consilium/v1/UploadHeader.ts';
import type { UploadOffsetReply as _consilium_v1_UploadOffsetReply, UploadOffsetReply__Output as _consilium_v1_UploadOffsetReply__Output } from './consilium/v1/UploadOffsetReply.ts';
import type { UploadOffsetRequest as _consilium_v1_UploadOffsetRequest, UploadOffsetRequest__Output as _consilium_v1_UploadOffsetRequest__Output } from './consilium/v1/UploadOffsetRequest.ts';
import type { UploadPart as _consilium_v1_UploadPart, UploadPart__Output as _consilium_v1_UploadPart__Output } from './consilium/v1/UploadPart.ts';
import type { UploadReply as _consilium_v1_UploadReply, UploadReply__Output as _consilium_v1_UploadReply__Output } from './consilium/v1/UploadReply.ts';
import type { WorkDone as _consilium_v1_WorkDone, WorkDone__Output as _consilium_v1_WorkDone__Output } from './consilium/v1/WorkDone.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  consilium: {
    v1: {
      Assignment: MessageTypeDefinition<_consilium_v1_Assignment, _consilium_v1_Assignment__Output>
      Chunk: MessageTypeDefinition<_consilium_v1_Chunk, _consilium_v1_Chunk__Output>
      CollectUpdates: MessageTypeDefinition<_consilium_v1_CollectUpdates, _consilium_v1_CollectUpdates__Output>
      Federation: SubtypeConstructor<typeof grpc.Client, _consilium_v1_FederationClient> & { service: _consilium_v1_FederationDefinition }
      FetchRequest: MessageTypeDefinition<_consilium_v1_FetchRequest, _consilium_v1_FetchRequest__Output>
      FromSite: MessageTypeDefinition<_consilium_v1_FromSite, _consilium_v1_FromSite__Output>
      Hello: MessageTypeDefinition<_consilium_v1_Hello, _consilium_v1_Hello__Output>
      JoinReply: MessageTypeDefinition<_consilium_v1_JoinReply, _consilium_v1_JoinReply__Output>
      JoinRequest: MessageTypeDefinition<_consilium_v1_JoinRequest, _consilium_v1_JoinRequest__Output>
      Progress: MessageTypeDefinition<_consilium_v1_Progress, _consilium_v1_Progress__Output>
      Refusal: MessageTypeDefinition<_consilium_v1_Refusal, _consilium_v1_Refusal__Output>
      RenewReply: MessageTypeDefinition<_consilium_v1_RenewReply, _consilium_v1_RenewReply__Output>
      RenewRequest: MessageTypeDefinition<_consilium_v1_RenewRequest, _consilium_v1_RenewRequest__Output>
      RoundOver: MessageTypeDefinition<_consilium_v1_RoundOver, _consilium_v1_RoundOver__Output>
      RunOver: MessageTypeDefinition<_consilium_v1_RunOver, _consilium_v1_RunOver__Output>
      StudiesRequest: MessageTypeDefinition<_consilium_v1_StudiesRequest, _consilium_v1_StudiesRequest__Output>
      StudyDecision: MessageTypeDefinition<_consilium_v1_StudyDecision, _consilium_v1_StudyDecision__Output>
      StudyDecisionReply: MessageTypeDefinition<_consilium_v1_StudyDecisionReply, _consilium_v1_StudyDecisionReply__Output>
      StudyOffer: MessageTypeDefinition<_consilium_v1_StudyOffer, _consilium_v1_StudyOffer__Output>
      ToSite: MessageTypeDefinition<_consilium_v1_ToSite, _consilium_v1_ToSite__Output>
      UploadHeader: MessageTypeDefinition<_consilium_v1_UploadHeader, _consilium_v1_UploadHeader__Output>
      UploadOffsetReply: MessageTypeDefinition<_consilium_v1_UploadOffsetReply, _consilium_v1_UploadOffsetReply__Output>
      UploadOffsetRequest: MessageTypeDefinition<_consilium_v1_UploadOffsetRequest, _consilium_v1_UploadOffsetRequest__Output>
      UploadPart: MessageTypeDefinition<_consilium_v1_UploadPart, _consilium_v1_UploadPart__Output>
      UploadReply: MessageTypeDefinition<_consilium_v1_UploadReply, _consilium_v1_UploadReply__Output>
      WorkDone: MessageTypeDefinition<_consilium_v1_WorkDone, _consilium_v1_WorkDone__Output>
    }
  }
}

