import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AddSiteReply as _consilium_v1_AddSiteReply, AddSiteReply__Output as _consilium_v1_AddSiteReply__Output } from './consilium/v1/AddSiteReply.ts';
import type { AddSiteRequest as _consilium_v1_AddSiteRequest, AddSiteRequest__Output as _consilium_v1_AddSiteRequest__Output } from './consilium/v1/AddSiteRequest.ts';
import type { AdminClient as _consilium_v1_AdminClient, AdminDefinition as _consilium_v1_AdminDefinition } from './consilium/v1/Admin.ts';
import type { Awaited as _consilium_v1_Awaited, Awaited__Output as _consilium_v1_Awaited__Output } from './consilium/v1/Awaited.ts';
import type { CancelRunRequest as _consilium_v1_CancelRunRequest, CancelRunRequest__Output as _consilium_v1_CancelRunRequest__Output } from './consilium/v1/CancelRunRequest.ts';
import type { ChangePartnersRequest as _consilium_v1_ChangePartnersRequest, ChangePartnersRequest__Output as _consilium_v1_ChangePartnersRequest__Output } from './consilium/v1/ChangePartnersRequest.ts';
import type { Checkpoint as _consilium_v1_Checkpoint, Checkpoint__Output as _consilium_v1_Checkpoint__Output } from './consilium/v1/Checkpoint.ts';
import type { CreateStudyPart as _consilium_v1_CreateStudyPart, CreateStudyPart__Output as _consilium_v1_CreateStudyPart__Output } from './consilium/v1/CreateStudyPart.ts';
import type { CurrentWork as _consilium_v1_CurrentWork, CurrentWork__Output as _consilium_v1_CurrentWork__Output } from './consilium/v1/CurrentWork.ts';
import type { Dropout as _consilium_v1_Dropout, Dropout__Output as _consilium_v1_Dropout__Output } from './consilium/v1/Dropout.ts';
import type { ExportModelRequest as _consilium_v1_ExportModelRequest, ExportModelRequest__Output as _consilium_v1_ExportModelRequest__Output } from './consilium/v1/ExportModelRequest.ts';
import type { ExportedModel as _consilium_v1_ExportedModel, ExportedModel__Output as _consilium_v1_ExportedModel__Output } from './consilium/v1/ExportedModel.ts';
import type { FetchObjectRequest as _consilium_v1_FetchObjectRequest, FetchObjectRequest__Output as _consilium_v1_FetchObjectRequest__Output } from './consilium/v1/FetchObjectRequest.ts';
import type { FinishRunRequest as _consilium_v1_FinishRunRequest, FinishRunRequest__Output as _consilium_v1_FinishRunRequest__Output } from './consilium/v1/FinishRunRequest.ts';
import type { KeyRotationView as _consilium_v1_KeyRotationView, KeyRotationView__Output as _consilium_v1_KeyRotationView__Output } from './consilium/v1/KeyRotationView.ts';
import type { KeyView as _consilium_v1_KeyView, KeyView__Output as _consilium_v1_KeyView__Output } from './consilium/v1/KeyView.ts';
import type { LeftOut as _consilium_v1_LeftOut, LeftOut__Output as _consilium_v1_LeftOut__Output } from './consilium/v1/LeftOut.ts';
import type { LimitOutlook as _consilium_v1_LimitOutlook, LimitOutlook__Output as _consilium_v1_LimitOutlook__Output } from './consilium/v1/LimitOutlook.ts';
import type { ListRunsRequest as _consilium_v1_ListRunsRequest, ListRunsRequest__Output as _consilium_v1_ListRunsRequest__Output } from './consilium/v1/ListRunsRequest.ts';
import type { ListSitesRequest as _consilium_v1_ListSitesRequest, ListSitesRequest__Output as _consilium_v1_ListSitesRequest__Output } from './consilium/v1/ListSitesRequest.ts';
import type { ListStudiesRequest as _consilium_v1_ListStudiesRequest, ListStudiesRequest__Output as _consilium_v1_ListStudiesRequest__Output } from './consilium/v1/ListStudiesRequest.ts';
import type { LogEntry as _consilium_v1_LogEntry, LogEntry__Output as _consilium_v1_LogEntry__Output } from './consilium/v1/LogEntry.ts';
import type { LossView as _consilium_v1_LossView, LossView__Output as _consilium_v1_LossView__Output } from './consilium/v1/LossView.ts';
import type { MissingPartner as _consilium_v1_MissingPartner, MissingPartner__Output as _consilium_v1_MissingPartner__Output } from './consilium/v1/MissingPartner.ts';
import type { MissingSite as _consilium_v1_MissingSite, MissingSite__Output as _consilium_v1_MissingSite__Output } from './consilium/v1/MissingSite.ts';
import type { ObjectChunk as _consilium_v1_ObjectChunk, ObjectChunk__Output as _consilium_v1_ObjectChunk__Output } from './consilium/v1/ObjectChunk.ts';
import type { ObjectStart as _consilium_v1_ObjectStart, ObjectStart__Output as _consilium_v1_ObjectStart__Output } from './consilium/v1/ObjectStart.ts';
import type { PartnerChangeView as _consilium_v1_PartnerChangeView, PartnerChangeView__Output as _consilium_v1_PartnerChangeView__Output } from './consilium/v1/PartnerChangeView.ts';
import type { PartnerSet as _consilium_v1_PartnerSet, PartnerSet__Output as _consilium_v1_PartnerSet__Output } from './consilium/v1/PartnerSet.ts';
import type { ReadLogRequest as _consilium_v1_ReadLogRequest, ReadLogRequest__Output as _consilium_v1_ReadLogRequest__Output } from './consilium/v1/ReadLogRequest.ts';
import type { RecoverRequest as _consilium_v1_RecoverRequest, RecoverRequest__Output as _consilium_v1_RecoverRequest__Output } from './consilium/v1/RecoverRequest.ts';
import type { RecoveryDone as _consilium_v1_RecoveryDone, RecoveryDone__Output as _consilium_v1_RecoveryDone__Output } from './consilium/v1/RecoveryDone.ts';
import type { RecoveryView as _consilium_v1_RecoveryView, RecoveryView__Output as _consilium_v1_RecoveryView__Output } from './consilium/v1/RecoveryView.ts';
import type { RevokeSiteRequest as _consilium_v1_RevokeSiteRequest, RevokeSiteRequest__Output as _consilium_v1_RevokeSiteRequest__Output } from './consilium/v1/RevokeSiteRequest.ts';
import type { RollBackRunRequest as _consilium_v1_RollBackRunRequest, RollBackRunRequest__Output as _consilium_v1_RollBackRunRequest__Output } from './consilium/v1/RollBackRunRequest.ts';
import type { RotateKeyRequest as _consilium_v1_RotateKeyRequest, RotateKeyRequest__Output as _consilium_v1_RotateKeyRequest__Output } from './consilium/v1/RotateKeyRequest.ts';
import type { RoundView as _consilium_v1_RoundView, RoundView__Output as _consilium_v1_RoundView__Output } from './consilium/v1/RoundView.ts';
import type { RunOutlook as _consilium_v1_RunOutlook, RunOutlook__Output as _consilium_v1_RunOutlook__Output } from './consilium/v1/RunOutlook.ts';
import type { RunView as _consilium_v1_RunView, RunView__Output as _consilium_v1_RunView__Output } from './consilium/v1/RunView.ts';
import type { SecureSession as _consilium_v1_SecureSession, SecureSession__Output as _consilium_v1_SecureSession__Output } from './consilium/v1/SecureSession.ts';
import type { ShowKeyRequest as _consilium_v1_ShowKeyRequest, ShowKeyRequest__Output as _consilium_v1_ShowKeyRequest__Output } from './consilium/v1/ShowKeyRequest.ts';
import type { ShowRecoveryRequest as _consilium_v1_ShowRecoveryRequest, ShowRecoveryRequest__Output as _consilium_v1_ShowRecoveryRequest__Output } from './consilium/v1/ShowRecoveryRequest.ts';
import type { ShowRunRequest as _consilium_v1_ShowRunRequest, ShowRunRequest__Output as _consilium_v1_ShowRunRequest__Output } from './consilium/v1/ShowRunRequest.ts';
import type { ShowStudyRequest as _consilium_v1_ShowStudyRequest, ShowStudyRequest__Output as _consilium_v1_ShowStudyRequest__Output } from './consilium/v1/ShowStudyRequest.ts';
import type { SignedHeadRequest as _consilium_v1_SignedHeadRequest, SignedHeadRequest__Output as _consilium_v1_SignedHeadRequest__Output } from './consilium/v1/SignedHeadRequest.ts';
import type { SiteDecision as _consilium_v1_SiteDecision, SiteDecision__Output as _consilium_v1_SiteDecision__Output } from './consilium/v1/SiteDecision.ts';
import type { SiteList as _consilium_v1_SiteList, SiteList__Output as _consilium_v1_SiteList__Output } from './consilium/v1/SiteList.ts';
import type { SiteOutlook as _consilium_v1_SiteOutlook, SiteOutlook__Output as _consilium_v1_SiteOutlook__Output } from './consilium/v1/SiteOutlook.ts';
import type { SiteProgress as _consilium_v1_SiteProgress, SiteProgress__Output as _consilium_v1_SiteProgress__Output } from './consilium/v1/SiteProgress.ts';
import type { SiteResult as _consilium_v1_SiteResult, SiteResult__Output as _consilium_v1_SiteResult__Output } from './consilium/v1/SiteResult.ts';
import type { SiteStandsOut as _consilium_v1_SiteStandsOut, SiteStandsOut__Output as _consilium_v1_SiteStandsOut__Output } from './consilium/v1/SiteStandsOut.ts';
import type { SiteView as _consilium_v1_SiteView, SiteView__Output as _consilium_v1_SiteView__Output } from './consilium/v1/SiteView.ts';
import type { StartRefusal as _consilium_v1_StartRefusal, StartRefusal__Output as _consilium_v1_StartRefusal__Output } from './consilium/v1/StartRefusal.ts';
import type { StartRunRequest as _consilium_v1_StartRunRequest, StartRunRequest__Output as _consilium_v1_StartRunRequest__Output } from './consilium/v1/StartRunRequest.ts';
import type { StudyList as _consilium_v1_StudyList, StudyList__Output as _consilium_v1_StudyList__Output } from './consilium/v1/StudyList.ts';
import type { StudyView as _consilium_v1_StudyView, StudyView__Output as _consilium_v1_StudyView__Output } from './consilium/v1/StudyView.ts';
import type { SumOutlook as _consilium_v1_SumOutlook, SumOutlook__Output as _consilium_v1_SumOutlook__Output } from './consilium/v1/SumOutlook.ts';
import type { TakenColumns as _consilium_v1_TakenColumns, TakenColumns__Output as _consilium_v1_TakenColumns__Output } from './consilium/v1/TakenColumns.ts';
import type { ThresholdsOutlook as _consilium_v1_ThresholdsOutlook, ThresholdsOutlook__Output as _consilium_v1_ThresholdsOutlook__Output } from './consilium/v1/ThresholdsOutlook.ts';
import type { WatchRunRequest as _consilium_v1_WatchRunRequest, WatchRunRequest__Output as _consilium_v1_WatchRunRequest__Output } from './consilium/v1/WatchRunRequest.ts';
import type { WatchStudyRequest as _consilium_v1_WatchStudyRequest, WatchStudyRequest__Output as _consilium_v1_WatchStudyRequest__Output } from './consilium/v1/WatchStudyRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  consilium: {
    v1: {
      AddSiteReply: MessageTypeDefinition<_consilium_v1_AddSiteReply, _consilium_v1_AddSiteReply__Output>
      AddSiteRequest: MessageTypeDefinition<_consilium_v1_AddSiteRequest, _consilium_v1_AddSiteRequest__Output>
      Admin: SubtypeConstructor<typeof grpc.Client, _consilium_v1_AdminClient> & { service: _consilium_v1_AdminDefinition }
      Awaited: MessageTypeDefinition<_consilium_v1_Awaited, _consilium_v1_Awaited__Output>
      CancelRunRequest: MessageTypeDefinition<_consilium_v1_CancelRunRequest, _consilium_v1_CancelRunRequest__Output>
      ChangePartnersRequest: MessageTypeDefinition<_consilium_v1_ChangePartnersRequest, _consilium_v1_ChangePartnersRequest__Output>
      Checkpoint: MessageTypeDefinition<_consilium_v1_Checkpoint, _consilium_v1_Checkpoint__Output>
      CreateStudyPart: MessageTypeDefinition<_consilium_v1_CreateStudyPart, _consilium_v1_CreateStudyPart__Output>
      CurrentWork: MessageTypeDefinition<_consilium_v1_CurrentWork, _consilium_v1_CurrentWork__Output>
      Dropout: MessageTypeDefinition<_consilium_v1_Dropout, _consilium_v1_Dropout__Output>
      ExportModelRequest: MessageTypeDefinition<_consilium_v1_ExportModelRequest, _consilium_v1_ExportModelRequest__Output>
      ExportedModel: MessageTypeDefinition<_consilium_v1_ExportedModel, _consilium_v1_ExportedModel__Output>
      FetchObjectRequest: MessageTypeDefinition<_consilium_v1_FetchObjectRequest, _consilium_v1_FetchObjectRequest__Output>
      FinishRunRequest: MessageTypeDefinition<_consilium_v1_FinishRunRequest, _consilium_v1_FinishRunRequest__Output>
      KeyRotationView: MessageTypeDefinition<_consilium_v1_KeyRotationView, _consilium_v1_KeyRotationView__Output>
      KeyView: MessageTypeDefinition<_consilium_v1_KeyView, _consilium_v1_KeyView__Output>
      LeftOut: MessageTypeDefinition<_consilium_v1_LeftOut, _consilium_v1_LeftOut__Output>
      LimitOutlook: MessageTypeDefinition<_consilium_v1_LimitOutlook, _consilium_v1_LimitOutlook__Output>
      ListRunsRequest: MessageTypeDefinition<_consilium_v1_ListRunsRequest, _consilium_v1_ListRunsRequest__Output>
      ListSitesRequest: MessageTypeDefinition<_consilium_v1_ListSitesRequest, _consilium_v1_ListSitesRequest__Output>
      ListStudiesRequest: MessageTypeDefinition<_consilium_v1_ListStudiesRequest, _consilium_v1_ListStudiesRequest__Output>
      LogEntry: MessageTypeDefinition<_consilium_v1_LogEntry, _consilium_v1_LogEntry__Output>
      LossView: MessageTypeDefinition<_consilium_v1_LossView, _consilium_v1_LossView__Output>
      MissingPartner: MessageTypeDefinition<_consilium_v1_MissingPartner, _consilium_v1_MissingPartner__Output>
      MissingSite: MessageTypeDefinition<_consilium_v1_MissingSite, _consilium_v1_MissingSite__Output>
      ObjectChunk: MessageTypeDefinition<_consilium_v1_ObjectChunk, _consilium_v1_ObjectChunk__Output>
      ObjectStart: MessageTypeDefinition<_consilium_v1_ObjectStart, _consilium_v1_ObjectStart__Output>
      PartnerChangeView: MessageTypeDefinition<_consilium_v1_PartnerChangeView, _consilium_v1_PartnerChangeView__Output>
      PartnerSet: MessageTypeDefinition<_consilium_v1_PartnerSet, _consilium_v1_PartnerSet__Output>
      ReadLogRequest: MessageTypeDefinition<_consilium_v1_ReadLogRequest, _consilium_v1_ReadLogRequest__Output>
      RecoverRequest: MessageTypeDefinition<_consilium_v1_RecoverRequest, _consilium_v1_RecoverRequest__Output>
      RecoveryDone: MessageTypeDefinition<_consilium_v1_RecoveryDone, _consilium_v1_RecoveryDone__Output>
      RecoveryView: MessageTypeDefinition<_consilium_v1_RecoveryView, _consilium_v1_RecoveryView__Output>
      RevokeSiteRequest: MessageTypeDefinition<_consilium_v1_RevokeSiteRequest, _consilium_v1_RevokeSiteRequest__Output>
      RollBackRunRequest: MessageTypeDefinition<_consilium_v1_RollBackRunRequest, _consilium_v1_RollBackRunRequest__Output>
      RotateKeyRequest: MessageTypeDefinition<_consilium_v1_RotateKeyRequest, _consilium_v1_RotateKeyRequest__Output>
      RoundView: MessageTypeDefinition<_consilium_v1_RoundView, _consilium_v1_RoundView__Output>
      RunOutlook: MessageTypeDefinition<_consilium_v1_RunOutlook, _consilium_v1_RunOutlook__Output>
      RunView: MessageTypeDefinition<_consilium_v1_RunView, _consilium_v1_RunView__Output>
      SecureSession: MessageTypeDefinition<_consilium_v1_SecureSession, _consilium_v1_SecureSession__Output>
      ShowKeyRequest: MessageTypeDefinition<_consilium_v1_ShowKeyRequest, _consilium_v1_ShowKeyRequest__Output>
      ShowRecoveryRequest: MessageTypeDefinition<_consilium_v1_ShowRecoveryRequest, _consilium_v1_ShowRecoveryRequest__Output>
      ShowRunRequest: MessageTypeDefinition<_consilium_v1_ShowRunRequest, _consilium_v1_ShowRunRequest__Output>
      ShowStudyRequest: MessageTypeDefinition<_consilium_v1_ShowStudyRequest, _consilium_v1_ShowStudyRequest__Output>
      SignedHeadRequest: MessageTypeDefinition<_consilium_v1_SignedHeadRequest, _consilium_v1_SignedHeadRequest__Output>
      SiteDecision: MessageTypeDefinition<_consilium_v1_SiteDecision, _consilium_v1_SiteDecision__Output>
      SiteList: MessageTypeDefinition<_consilium_v1_SiteList, _consilium_v1_SiteList__Output>
      SiteOutlook: MessageTypeDefinition<_consilium_v1_SiteOutlook, _consilium_v1_SiteOutlook__Output>
      SiteProgress: MessageTypeDefinition<_consilium_v1_SiteProgress, _consilium_v1_SiteProgress__Output>
      SiteResult: MessageTypeDefinition<_consilium_v1_SiteResult, _consilium_v1_SiteResult__Output>
      SiteStandsOut: MessageTypeDefinition<_consilium_v1_SiteStandsOut, _consilium_v1_SiteStandsOut__Output>
      SiteView: MessageTypeDefinition<_consilium_v1_SiteView, _consilium_v1_SiteView__Output>
      StartRefusal: MessageTypeDefinition<_consilium_v1_StartRefusal, _consilium_v1_StartRefusal__Output>
      StartRunRequest: MessageTypeDefinition<_consilium_v1_StartRunRequest, _consilium_v1_StartRunRequest__Output>
      StudyList: MessageTypeDefinition<_consilium_v1_StudyList, _consilium_v1_StudyList__Output>
      StudyView: MessageTypeDefinition<_consilium_v1_StudyView, _consilium_v1_StudyView__Output>
      SumOutlook: MessageTypeDefinition<_consilium_v1_SumOutlook, _consilium_v1_SumOutlook__Output>
      TakenColumns: MessageTypeDefinition<_consilium_v1_TakenColumns, _consilium_v1_TakenColumns__Output>
      ThresholdsOutlook: MessageTypeDefinition<_consilium_v1_ThresholdsOutlook, _consilium_v1_ThresholdsOutlook__Output>
      WatchRunRequest: MessageTypeDefinition<_consilium_v1_WatchRunRequest, _consilium_v1_WatchRunRequest__Output>
      WatchStudyRequest: MessageTypeDefinition<_consilium_v1_WatchStudyRequest, _consilium_v1_WatchStudyRequest__Output>
    }
  }
}

