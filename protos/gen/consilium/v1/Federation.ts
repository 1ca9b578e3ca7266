// Original file: federation.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Chunk as _consilium_v1_Chunk, Chunk__Output as _consilium_v1_Chunk__Output } from '../../consilium/v1/Chunk.ts';
import type { FetchRequest as _consilium_v1_FetchRequest, FetchRequest__Output as _consilium_v1_FetchRequest__Output } from '../../consilium/v1/FetchRequest.ts';
import type { FromSite as _consilium_v1_FromSite, FromSite__Output as _consilium_v1_FromSite__Output } from '../../consilium/v1/FromSite.ts';
import type { JoinReply as _consilium_v1_JoinReply, JoinReply__Output as _consilium_v1_JoinReply__Output } from '../../consilium/v1/JoinReply.ts';
import type { JoinRequest as _consilium_v1_JoinRequest, JoinRequest__Output as _consilium_v1_JoinRequest__Output } from '../../consilium/v1/JoinRequest.ts';
import type { LogProofReply as _consilium_v1_LogProofReply, LogProofReply__Output as _consilium_v1_LogProofReply__Output } from '../../consilium/v1/LogProofReply.ts';
import type { LogProofRequest as _consilium_v1_LogProofRequest, LogProofRequest__Output as _consilium_v1_LogProofRequest__Output } from '../../consilium/v1/LogProofRequest.ts';
import type { PartnerWord as _consilium_v1_PartnerWord, PartnerWord__Output as _consilium_v1_PartnerWord__Output } from '../../consilium/v1/PartnerWord.ts';
import type { PartnerWordReply as _consilium_v1_PartnerWordReply, PartnerWordReply__Output as _consilium_v1_PartnerWordReply__Output } from '../../consilium/v1/PartnerWordReply.ts';
import type { PinReply as _consilium_v1_PinReply, PinReply__Output as _consilium_v1_PinReply__Output } from '../../consilium/v1/PinReply.ts';
import type { Pinned as _consilium_v1_Pinned, Pinned__Output as _consilium_v1_Pinned__Output } from '../../consilium/v1/Pinned.ts';
import type { RenewReply as _consilium_v1_RenewReply, RenewReply__Output as _consilium_v1_RenewReply__Output } from '../../consilium/v1/RenewReply.ts';
import type { RenewRequest as _consilium_v1_RenewRequest, RenewRequest__Output as _consilium_v1_RenewRequest__Output } from '../../consilium/v1/RenewRequest.ts';
import type { StandsOut as _consilium_v1_StandsOut, StandsOut__Output as _consilium_v1_StandsOut__Output } from '../../consilium/v1/StandsOut.ts';
import type { StandsOutReply as _consilium_v1_StandsOutReply, StandsOutReply__Output as _consilium_v1_StandsOutReply__Output } from '../../consilium/v1/StandsOutReply.ts';
import type { StudiesRequest as _consilium_v1_StudiesRequest, StudiesRequest__Output as _consilium_v1_StudiesRequest__Output } from '../../consilium/v1/StudiesRequest.ts';
import type { StudyDecision as _consilium_v1_StudyDecision, StudyDecision__Output as _consilium_v1_StudyDecision__Output } from '../../consilium/v1/StudyDecision.ts';
import type { StudyDecisionReply as _consilium_v1_StudyDecisionReply, StudyDecisionReply__Output as _consilium_v1_StudyDecisionReply__Output } from '../../consilium/v1/StudyDecisionReply.ts';
import type { StudyOffer as _consilium_v1_StudyOffer, StudyOffer__Output as _consilium_v1_StudyOffer__Output } from '../../consilium/v1/StudyOffer.ts';
import type { ToSite as _consilium_v1_ToSite, ToSite__Output as _consilium_v1_ToSite__Output } from '../../consilium/v1/ToSite.ts';
import type { UploadOffsetReply as _consilium_v1_UploadOffsetReply, UploadOffsetReply__Output as _consilium_v1_UploadOffsetReply__Output } from '../../consilium/v1/UploadOffsetReply.ts';
import type { UploadOffsetRequest as _consilium_v1_UploadOffsetRequest, UploadOffsetRequest__Output as _consilium_v1_UploadOffsetRequest__Output } from '../../consilium/v1/UploadOffsetRequest.ts';
import type { UploadPart as _consilium_v1_UploadPart, UploadPart__Output as _consilium_v1_UploadPart__Output } from '../../consilium/v1/UploadPart.ts';
import type { UploadReply as _consilium_v1_UploadReply, UploadReply__Output as _consilium_v1_UploadReply__Output } from '../../consilium/v1/UploadReply.ts';

export interface FederationClient extends grpc.Client {
  Attend(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_FromSite, _consilium_v1_ToSite__Output>;
  Attend(options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_FromSite, _consilium_v1_ToSite__Output>;
  attend(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_FromSite, _consilium_v1_ToSite__Output>;
  attend(options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_FromSite, _consilium_v1_ToSite__Output>;
  
  Decide(argument: _consilium_v1_StudyDecision, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  Decide(argument: _consilium_v1_StudyDecision, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  Decide(argument: _consilium_v1_StudyDecision, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  Decide(argument: _consilium_v1_StudyDecision, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  decide(argument: _consilium_v1_StudyDecision, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  decide(argument: _consilium_v1_StudyDecision, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  decide(argument: _consilium_v1_StudyDecision, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  decide(argument: _consilium_v1_StudyDecision, callback: grpc.requestCallback<_consilium_v1_StudyDecisionReply__Output>): grpc.ClientUnaryCall;
  
  Fetch(argument: _consilium_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_Chunk__Output>;
  Fetch(argument: _consilium_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_Chunk__Output>;
  fetch(argument: _consilium_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_Chunk__Output>;
  fetch(argument: _consilium_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_Chunk__Output>;
  
  Join(argument: _consilium_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _consilium_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _consilium_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  Join(argument: _consilium_v1_JoinRequest, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _consilium_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _consilium_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _consilium_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  join(argument: _consilium_v1_JoinRequest, callback: grpc.requestCallback<_consilium_v1_JoinReply__Output>): grpc.ClientUnaryCall;
  
  Pin(argument: _consilium_v1_Pinned, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  Pin(argument: _consilium_v1_Pinned, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  Pin(argument: _consilium_v1_Pinned, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  Pin(argument: _consilium_v1_Pinned, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  pin(argument: _consilium_v1_Pinned, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  pin(argument: _consilium_v1_Pinned, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  pin(argument: _consilium_v1_Pinned, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  pin(argument: _consilium_v1_Pinned, callback: grpc.requestCallback<_consilium_v1_PinReply__Output>): grpc.ClientUnaryCall;
  
  ProveLog(argument: _consilium_v1_LogProofRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  ProveLog(argument: _consilium_v1_LogProofRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  ProveLog(argument: _consilium_v1_LogProofRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  ProveLog(argument: _consilium_v1_LogProofRequest, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  proveLog(argument: _consilium_v1_LogProofRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  proveLog(argument: _consilium_v1_LogProofRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  proveLog(argument: _consilium_v1_LogProofRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  proveLog(argument: _consilium_v1_LogProofRequest, callback: grpc.requestCallback<_consilium_v1_LogProofReply__Output>): grpc.ClientUnaryCall;
  
  Renew(argument: _consilium_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _consilium_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _consilium_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _consilium_v1_RenewRequest, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _consilium_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _consilium_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _consilium_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _consilium_v1_RenewRequest, callback: grpc.requestCallback<_consilium_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  
  SayOfPartners(argument: _consilium_v1_PartnerWord, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  SayOfPartners(argument: _consilium_v1_PartnerWord, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  SayOfPartners(argument: _consilium_v1_PartnerWord, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  SayOfPartners(argument: _consilium_v1_PartnerWord, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  sayOfPartners(argument: _consilium_v1_PartnerWord, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  sayOfPartners(argument: _consilium_v1_PartnerWord, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  sayOfPartners(argument: _consilium_v1_PartnerWord, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  sayOfPartners(argument: _consilium_v1_PartnerWord, callback: grpc.requestCallback<_consilium_v1_PartnerWordReply__Output>): grpc.ClientUnaryCall;
  
  StandOut(argument: _consilium_v1_StandsOut, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  StandOut(argument: _consilium_v1_StandsOut, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  StandOut(argument: _consilium_v1_StandsOut, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  StandOut(argument: _consilium_v1_StandsOut, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  standOut(argument: _consilium_v1_StandsOut, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  standOut(argument: _consilium_v1_StandsOut, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  standOut(argument: _consilium_v1_StandsOut, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  standOut(argument: _consilium_v1_StandsOut, callback: grpc.requestCallback<_consilium_v1_StandsOutReply__Output>): grpc.ClientUnaryCall;
  
  Studies(argument: _consilium_v1_StudiesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyOffer__Output>;
  Studies(argument: _consilium_v1_StudiesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyOffer__Output>;
  studies(argument: _consilium_v1_StudiesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyOffer__Output>;
  studies(argument: _consilium_v1_StudiesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyOffer__Output>;
  
  Upload(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_UploadPart, _consilium_v1_UploadReply__Output>;
  Upload(options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_UploadPart, _consilium_v1_UploadReply__Output>;
  upload(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_UploadPart, _consilium_v1_UploadReply__Output>;
  upload(options?: grpc.CallOptions): grpc.ClientDuplexStream<_consilium_v1_UploadPart, _consilium_v1_UploadReply__Output>;
  
  UploadOffset(argument: _consilium_v1_UploadOffsetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  UploadOffset(argument: _consilium_v1_UploadOffsetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  UploadOffset(argument: _consilium_v1_UploadOffsetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  UploadOffset(argument: _consilium_v1_UploadOffsetRequest, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  uploadOffset(argument: _consilium_v1_UploadOffsetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  uploadOffset(argument: _consilium_v1_UploadOffsetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  uploadOffset(argument: _consilium_v1_UploadOffsetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  uploadOffset(argument: _consilium_v1_UploadOffsetRequest, callback: grpc.requestCallback<_consilium_v1_UploadOffsetReply__Output>): grpc.ClientUnaryCall;
  
}

export interface FederationHandlers extends grpc.UntypedServiceImplementation {
  Attend: grpc.handleBidiStreamingCall<_consilium_v1_FromSite__Output, _consilium_v1_ToSite>;
  
  Decide: grpc.handleUnaryCall<_consilium_v1_StudyDecision__Output, _consilium_v1_StudyDecisionReply>;
  
  Fetch: grpc.handleServerStreamingCall<_consilium_v1_FetchRequest__Output, _consilium_v1_Chunk>;
  
  Join: grpc.handleUnaryCall<_consilium_v1_JoinRequest__Output, _consilium_v1_JoinReply>;
  
  Pin: grpc.handleUnaryCall<_consilium_v1_Pinned__Output, _consilium_v1_PinReply>;
  
  ProveLog: grpc.handleUnaryCall<_consilium_v1_LogProofRequest__Output, _consilium_v1_LogProofReply>;
  
  Renew: grpc.handleUnaryCall<_consilium_v1_RenewRequest__Output, _consilium_v1_RenewReply>;
  
  SayOfPartners: grpc.handleUnaryCall<_consilium_v1_PartnerWord__Output, _consilium_v1_PartnerWordReply>;
  
  StandOut: grpc.handleUnaryCall<_consilium_v1_StandsOut__Output, _consilium_v1_StandsOutReply>;
  
  Studies: grpc.handleServerStreamingCall<_consilium_v1_StudiesRequest__Output, _consilium_v1_StudyOffer>;
  
  Upload: grpc.handleBidiStreamingCall<_consilium_v1_UploadPart__Output, _consilium_v1_UploadReply>;
  
  UploadOffset: grpc.handleUnaryCall<_consilium_v1_UploadOffsetRequest__Output, _consilium_v1_UploadOffsetReply>;
  
}

export interface FederationDefinition extends grpc.ServiceDefinition {
  Attend: MethodDefinition<_consilium_v1_FromSite, _consilium_v1_ToSite, _consilium_v1_FromSite__Output, _consilium_v1_ToSite__Output>
  Decide: MethodDefinition<_consilium_v1_StudyDecision, _consilium_v1_StudyDecisionReply, _consilium_v1_StudyDecision__Output, _consilium_v1_StudyDecisionReply__Output>
  Fetch: MethodDefinition<_consilium_v1_FetchRequest, _consilium_v1_Chunk, _consilium_v1_FetchRequest__Output, _consilium_v1_Chunk__Output>
  Join: MethodDefinition<_consilium_v1_JoinRequest, _consilium_v1_JoinReply, _consilium_v1_JoinRequest__Output, _consilium_v1_JoinReply__Output>
  Pin: MethodDefinition<_consilium_v1_Pinned, _consilium_v1_PinReply, _consilium_v1_Pinned__Output, _consilium_v1_PinReply__Output>
  ProveLog: MethodDefinition<_consilium_v1_LogProofRequest, _consilium_v1_LogProofReply, _consilium_v1_LogProofRequest__Output, _consilium_v1_LogProofReply__Output>
  Renew: MethodDefinition<_consilium_v1_RenewRequest, _consilium_v1_RenewReply, _consilium_v1_RenewRequest__Output, _consilium_v1_RenewReply__Output>
  SayOfPartners: MethodDefinition<_consilium_v1_PartnerWord, _consilium_v1_PartnerWordReply, _consilium_v1_PartnerWord__Output, _consilium_v1_PartnerWordReply__Output>
  StandOut: MethodDefinition<_consilium_v1_StandsOut, _consilium_v1_StandsOutReply, _consilium_v1_StandsOut__Output, _consilium_v1_StandsOutReply__Output>
  Studies: MethodDefinition<_consilium_v1_StudiesRequest, _consilium_v1_StudyOffer, _consilium_v1_StudiesRequest__Output, _consilium_v1_StudyOffer__Output>
  Upload: MethodDefinition<_consilium_v1_UploadPart, _consilium_v1_UploadReply, _consilium_v1_UploadPart__Output, _consilium_v1_UploadReply__Output>
  UploadOffset: MethodDefinition<_consilium_v1_UploadOffsetRequest, _consilium_v1_UploadOffsetReply, _consilium_v1_UploadOffsetRequest__Output, _consilium_v1_UploadOffsetReply__Output>
}
