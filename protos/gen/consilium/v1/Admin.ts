// Original file: admin.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AddSiteReply as _consilium_v1_AddSiteReply, AddSiteReply__Output as _consilium_v1_AddSiteReply__Output } from '../../consilium/v1/AddSiteReply.ts';
import type { AddSiteRequest as _consilium_v1_AddSiteRequest, AddSiteRequest__Output as _consilium_v1_AddSiteRequest__Output } from '../../consilium/v1/AddSiteRequest.ts';
import type { CancelRunRequest as _consilium_v1_CancelRunRequest, CancelRunRequest__Output as _consilium_v1_CancelRunRequest__Output } from '../../consilium/v1/CancelRunRequest.ts';
import type { ChangePartnersRequest as _consilium_v1_ChangePartnersRequest, ChangePartnersRequest__Output as _consilium_v1_ChangePartnersRequest__Output } from '../../consilium/v1/ChangePartnersRequest.ts';
import type { Checkpoint as _consilium_v1_Checkpoint, Checkpoint__Output as _consilium_v1_Checkpoint__Output } from '../../consilium/v1/Checkpoint.ts';
import type { CreateStudyPart as _consilium_v1_CreateStudyPart, CreateStudyPart__Output as _consilium_v1_CreateStudyPart__Output } from '../../consilium/v1/CreateStudyPart.ts';
import type { ExportModelRequest as _consilium_v1_ExportModelRequest, ExportModelRequest__Output as _consilium_v1_ExportModelRequest__Output } from '../../consilium/v1/ExportModelRequest.ts';
import type { ExportedModel as _consilium_v1_ExportedModel, ExportedModel__Output as _consilium_v1_ExportedModel__Output } from '../../consilium/v1/ExportedModel.ts';
import type { FetchObjectRequest as _consilium_v1_FetchObjectRequest, FetchObjectRequest__Output as _consilium_v1_FetchObjectRequest__Output } from '../../consilium/v1/FetchObjectRequest.ts';
import type { FinishRunRequest as _consilium_v1_FinishRunRequest, FinishRunRequest__Output as _consilium_v1_FinishRunRequest__Output } from '../../consilium/v1/FinishRunRequest.ts';
import type { KeyView as _consilium_v1_KeyView, KeyView__Output as _consilium_v1_KeyView__Output } from '../../consilium/v1/KeyView.ts';
import type { ListRunsRequest as _consilium_v1_ListRunsRequest, ListRunsRequest__Output as _consilium_v1_ListRunsRequest__Output } from '../../consilium/v1/ListRunsRequest.ts';
import type { ListSitesRequest as _consilium_v1_ListSitesRequest, ListSitesRequest__Output as _consilium_v1_ListSitesRequest__Output } from '../../consilium/v1/ListSitesRequest.ts';
import type { ListStudiesRequest as _consilium_v1_ListStudiesRequest, ListStudiesRequest__Output as _consilium_v1_ListStudiesRequest__Output } from '../../consilium/v1/ListStudiesRequest.ts';
import type { LogEntry as _consilium_v1_LogEntry, LogEntry__Output as _consilium_v1_LogEntry__Output } from '../../consilium/v1/LogEntry.ts';
import type { ObjectChunk as _consilium_v1_ObjectChunk, ObjectChunk__Output as _consilium_v1_ObjectChunk__Output } from '../../consilium/v1/ObjectChunk.ts';
import type { ReadLogRequest as _consilium_v1_ReadLogRequest, ReadLogRequest__Output as _consilium_v1_ReadLogRequest__Output } from '../../consilium/v1/ReadLogRequest.ts';
import type { RecoverRequest as _consilium_v1_RecoverRequest, RecoverRequest__Output as _consilium_v1_RecoverRequest__Output } from '../../consilium/v1/RecoverRequest.ts';
import type { RecoveryView as _consilium_v1_RecoveryView, RecoveryView__Output as _consilium_v1_RecoveryView__Output } from '../../consilium/v1/RecoveryView.ts';
import type { RevokeSiteRequest as _consilium_v1_RevokeSiteRequest, RevokeSiteRequest__Output as _consilium_v1_RevokeSiteRequest__Output } from '../../consilium/v1/RevokeSiteRequest.ts';
import type { RollBackRunRequest as _consilium_v1_RollBackRunRequest, RollBackRunRequest__Output as _consilium_v1_RollBackRunRequest__Output } from '../../consilium/v1/RollBackRunRequest.ts';
import type { RotateKeyRequest as _consilium_v1_RotateKeyRequest, RotateKeyRequest__Output as _consilium_v1_RotateKeyRequest__Output } from '../../consilium/v1/RotateKeyRequest.ts';
import type { RunOutlook as _consilium_v1_RunOutlook, RunOutlook__Output as _consilium_v1_RunOutlook__Output } from '../../consilium/v1/RunOutlook.ts';
import type { RunView as _consilium_v1_RunView, RunView__Output as _consilium_v1_RunView__Output } from '../../consilium/v1/RunView.ts';
import type { ShowKeyRequest as _consilium_v1_ShowKeyRequest, ShowKeyRequest__Output as _consilium_v1_ShowKeyRequest__Output } from '../../consilium/v1/ShowKeyRequest.ts';
import type { ShowRecoveryRequest as _consilium_v1_ShowRecoveryRequest, ShowRecoveryRequest__Output as _consilium_v1_ShowRecoveryRequest__Output } from '../../consilium/v1/ShowRecoveryRequest.ts';
import type { ShowRunRequest as _consilium_v1_ShowRunRequest, ShowRunRequest__Output as _consilium_v1_ShowRunRequest__Output } from '../../consilium/v1/ShowRunRequest.ts';
import type { ShowStudyRequest as _consilium_v1_ShowStudyRequest, ShowStudyRequest__Output as _consilium_v1_ShowStudyRequest__Output } from '../../consilium/v1/ShowStudyRequest.ts';
import type { SignedHeadRequest as _consilium_v1_SignedHeadRequest, SignedHeadRequest__Output as _consilium_v1_SignedHeadRequest__Output } from '../../consilium/v1/SignedHeadRequest.ts';
import type { SiteList as _consilium_v1_SiteList, SiteList__Output as _consilium_v1_SiteList__Output } from '../../consilium/v1/SiteList.ts';
import type { SiteView as _consilium_v1_SiteView, SiteView__Output as _consilium_v1_SiteView__Output } from '../../consilium/v1/SiteView.ts';
import type { StartRunRequest as _consilium_v1_StartRunRequest, StartRunRequest__Output as _consilium_v1_StartRunRequest__Output } from '../../consilium/v1/StartRunRequest.ts';
import type { StudyList as _consilium_v1_StudyList, StudyList__Output as _consilium_v1_StudyList__Output } from '../../consilium/v1/StudyList.ts';
import type { StudyView as _consilium_v1_StudyView, StudyView__Output as _consilium_v1_StudyView__Output } from '../../consilium/v1/StudyView.ts';
import type { WatchRunRequest as _consilium_v1_WatchRunRequest, WatchRunRequest__Output as _consilium_v1_WatchRunRequest__Output } from '../../consilium/v1/WatchRunRequest.ts';
import type { WatchStudyRequest as _consilium_v1_WatchStudyRequest, WatchStudyRequest__Output as _consilium_v1_WatchStudyRequest__Output } from '../../consilium/v1/WatchStudyRequest.ts';

export interface AdminClient extends grpc.Client {
  AddSite(argument: _consilium_v1_AddSiteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  AddSite(argument: _consilium_v1_AddSiteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  AddSite(argument: _consilium_v1_AddSiteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  AddSite(argument: _consilium_v1_AddSiteRequest, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  addSite(argument: _consilium_v1_AddSiteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  addSite(argument: _consilium_v1_AddSiteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  addSite(argument: _consilium_v1_AddSiteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  addSite(argument: _consilium_v1_AddSiteRequest, callback: grpc.requestCallback<_consilium_v1_AddSiteReply__Output>): grpc.ClientUnaryCall;
  
  CancelRun(argument: _consilium_v1_CancelRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  CancelRun(argument: _consilium_v1_CancelRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  CancelRun(argument: _consilium_v1_CancelRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  CancelRun(argument: _consilium_v1_CancelRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _consilium_v1_CancelRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _consilium_v1_CancelRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _consilium_v1_CancelRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  cancelRun(argument: _consilium_v1_CancelRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  
  ChangePartners(argument: _consilium_v1_ChangePartnersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  ChangePartners(argument: _consilium_v1_ChangePartnersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  ChangePartners(argument: _consilium_v1_ChangePartnersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  ChangePartners(argument: _consilium_v1_ChangePartnersRequest, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  changePartners(argument: _consilium_v1_ChangePartnersRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  changePartners(argument: _consilium_v1_ChangePartnersRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  changePartners(argument: _consilium_v1_ChangePartnersRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  changePartners(argument: _consilium_v1_ChangePartnersRequest, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  
  CreateStudy(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  CreateStudy(metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  CreateStudy(options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  CreateStudy(callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  createStudy(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  createStudy(metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  createStudy(options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  createStudy(callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientWritableStream<_consilium_v1_CreateStudyPart>;
  
  ExportModel(argument: _consilium_v1_ExportModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  ExportModel(argument: _consilium_v1_ExportModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  ExportModel(argument: _consilium_v1_ExportModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  ExportModel(argument: _consilium_v1_ExportModelRequest, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  exportModel(argument: _consilium_v1_ExportModelRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  exportModel(argument: _consilium_v1_ExportModelRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  exportModel(argument: _consilium_v1_ExportModelRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  exportModel(argument: _consilium_v1_ExportModelRequest, callback: grpc.requestCallback<_consilium_v1_ExportedModel__Output>): grpc.ClientUnaryCall;
  
  FetchObject(argument: _consilium_v1_FetchObjectRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_ObjectChunk__Output>;
  FetchObject(argument: _consilium_v1_FetchObjectRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_ObjectChunk__Output>;
  fetchObject(argument: _consilium_v1_FetchObjectRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_ObjectChunk__Output>;
  fetchObject(argument: _consilium_v1_FetchObjectRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_ObjectChunk__Output>;
  
  FinishRun(argument: _consilium_v1_FinishRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  FinishRun(argument: _consilium_v1_FinishRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  FinishRun(argument: _consilium_v1_FinishRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  FinishRun(argument: _consilium_v1_FinishRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  finishRun(argument: _consilium_v1_FinishRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  finishRun(argument: _consilium_v1_FinishRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  finishRun(argument: _consilium_v1_FinishRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  finishRun(argument: _consilium_v1_FinishRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  
  ListRuns(argument: _consilium_v1_ListRunsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  ListRuns(argument: _consilium_v1_ListRunsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  listRuns(argument: _consilium_v1_ListRunsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  listRuns(argument: _consilium_v1_ListRunsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  
  ListSites(argument: _consilium_v1_ListSitesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  ListSites(argument: _consilium_v1_ListSitesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  ListSites(argument: _consilium_v1_ListSitesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  ListSites(argument: _consilium_v1_ListSitesRequest, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  listSites(argument: _consilium_v1_ListSitesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  listSites(argument: _consilium_v1_ListSitesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  listSites(argument: _consilium_v1_ListSitesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  listSites(argument: _consilium_v1_ListSitesRequest, callback: grpc.requestCallback<_consilium_v1_SiteList__Output>): grpc.ClientUnaryCall;
  
  ListStudies(argument: _consilium_v1_ListStudiesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  ListStudies(argument: _consilium_v1_ListStudiesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  ListStudies(argument: _consilium_v1_ListStudiesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  ListStudies(argument: _consilium_v1_ListStudiesRequest, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  listStudies(argument: _consilium_v1_ListStudiesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  listStudies(argument: _consilium_v1_ListStudiesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  listStudies(argument: _consilium_v1_ListStudiesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  listStudies(argument: _consilium_v1_ListStudiesRequest, callback: grpc.requestCallback<_consilium_v1_StudyList__Output>): grpc.ClientUnaryCall;
  
  PlanRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  PlanRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  PlanRun(argument: _consilium_v1_StartRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  PlanRun(argument: _consilium_v1_StartRunRequest, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  planRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  planRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  planRun(argument: _consilium_v1_StartRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  planRun(argument: _consilium_v1_StartRunRequest, callback: grpc.requestCallback<_consilium_v1_RunOutlook__Output>): grpc.ClientUnaryCall;
  
  ReadLog(argument: _consilium_v1_ReadLogRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_LogEntry__Output>;
  ReadLog(argument: _consilium_v1_ReadLogRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_LogEntry__Output>;
  readLog(argument: _consilium_v1_ReadLogRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_LogEntry__Output>;
  readLog(argument: _consilium_v1_ReadLogRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_LogEntry__Output>;
  
  Recover(argument: _consilium_v1_RecoverRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  Recover(argument: _consilium_v1_RecoverRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  Recover(argument: _consilium_v1_RecoverRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  Recover(argument: _consilium_v1_RecoverRequest, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  recover(argument: _consilium_v1_RecoverRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  recover(argument: _consilium_v1_RecoverRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  recover(argument: _consilium_v1_RecoverRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  recover(argument: _consilium_v1_RecoverRequest, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  
  RevokeSite(argument: _consilium_v1_RevokeSiteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  RevokeSite(argument: _consilium_v1_RevokeSiteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  RevokeSite(argument: _consilium_v1_RevokeSiteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  RevokeSite(argument: _consilium_v1_RevokeSiteRequest, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  revokeSite(argument: _consilium_v1_RevokeSiteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  revokeSite(argument: _consilium_v1_RevokeSiteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  revokeSite(argument: _consilium_v1_RevokeSiteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  revokeSite(argument: _consilium_v1_RevokeSiteRequest, callback: grpc.requestCallback<_consilium_v1_SiteView__Output>): grpc.ClientUnaryCall;
  
  RollBackRun(argument: _consilium_v1_RollBackRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  RollBackRun(argument: _consilium_v1_RollBackRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  RollBackRun(argument: _consilium_v1_RollBackRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  RollBackRun(argument: _consilium_v1_RollBackRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  rollBackRun(argument: _consilium_v1_RollBackRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  rollBackRun(argument: _consilium_v1_RollBackRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  rollBackRun(argument: _consilium_v1_RollBackRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  rollBackRun(argument: _consilium_v1_RollBackRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  
  RotateKey(argument: _consilium_v1_RotateKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  RotateKey(argument: _consilium_v1_RotateKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  RotateKey(argument: _consilium_v1_RotateKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  RotateKey(argument: _consilium_v1_RotateKeyRequest, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _consilium_v1_RotateKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _consilium_v1_RotateKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _consilium_v1_RotateKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _consilium_v1_RotateKeyRequest, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  
  ShowKey(argument: _consilium_v1_ShowKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  ShowKey(argument: _consilium_v1_ShowKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  ShowKey(argument: _consilium_v1_ShowKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  ShowKey(argument: _consilium_v1_ShowKeyRequest, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  showKey(argument: _consilium_v1_ShowKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  showKey(argument: _consilium_v1_ShowKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  showKey(argument: _consilium_v1_ShowKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  showKey(argument: _consilium_v1_ShowKeyRequest, callback: grpc.requestCallback<_consilium_v1_KeyView__Output>): grpc.ClientUnaryCall;
  
  ShowRecovery(argument: _consilium_v1_ShowRecoveryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  ShowRecovery(argument: _consilium_v1_ShowRecoveryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  ShowRecovery(argument: _consilium_v1_ShowRecoveryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  ShowRecovery(argument: _consilium_v1_ShowRecoveryRequest, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  showRecovery(argument: _consilium_v1_ShowRecoveryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  showRecovery(argument: _consilium_v1_ShowRecoveryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  showRecovery(argument: _consilium_v1_ShowRecoveryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  showRecovery(argument: _consilium_v1_ShowRecoveryRequest, callback: grpc.requestCallback<_consilium_v1_RecoveryView__Output>): grpc.ClientUnaryCall;
  
  ShowRun(argument: _consilium_v1_ShowRunRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  ShowRun(argument: _consilium_v1_ShowRunRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  showRun(argument: _consilium_v1_ShowRunRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  showRun(argument: _consilium_v1_ShowRunRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  
  ShowStudy(argument: _consilium_v1_ShowStudyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  ShowStudy(argument: _consilium_v1_ShowStudyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  ShowStudy(argument: _consilium_v1_ShowStudyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  ShowStudy(argument: _consilium_v1_ShowStudyRequest, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  showStudy(argument: _consilium_v1_ShowStudyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  showStudy(argument: _consilium_v1_ShowStudyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  showStudy(argument: _consilium_v1_ShowStudyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  showStudy(argument: _consilium_v1_ShowStudyRequest, callback: grpc.requestCallback<_consilium_v1_StudyView__Output>): grpc.ClientUnaryCall;
  
  SignedHead(argument: _consilium_v1_SignedHeadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  SignedHead(argument: _consilium_v1_SignedHeadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  SignedHead(argument: _consilium_v1_SignedHeadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  SignedHead(argument: _consilium_v1_SignedHeadRequest, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  signedHead(argument: _consilium_v1_SignedHeadRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  signedHead(argument: _consilium_v1_SignedHeadRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  signedHead(argument: _consilium_v1_SignedHeadRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  signedHead(argument: _consilium_v1_SignedHeadRequest, callback: grpc.requestCallback<_consilium_v1_Checkpoint__Output>): grpc.ClientUnaryCall;
  
  StartRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  StartRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  StartRun(argument: _consilium_v1_StartRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  StartRun(argument: _consilium_v1_StartRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  startRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  startRun(argument: _consilium_v1_StartRunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  startRun(argument: _consilium_v1_StartRunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  startRun(argument: _consilium_v1_StartRunRequest, callback: grpc.requestCallback<_consilium_v1_RunView__Output>): grpc.ClientUnaryCall;
  
  WatchRun(argument: _consilium_v1_WatchRunRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  WatchRun(argument: _consilium_v1_WatchRunRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  watchRun(argument: _consilium_v1_WatchRunRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  watchRun(argument: _consilium_v1_WatchRunRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_RunView__Output>;
  
  WatchStudy(argument: _consilium_v1_WatchStudyRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyView__Output>;
  WatchStudy(argument: _consilium_v1_WatchStudyRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyView__Output>;
  watchStudy(argument: _consilium_v1_WatchStudyRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyView__Output>;
  watchStudy(argument: _consilium_v1_WatchStudyRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_consilium_v1_StudyView__Output>;
  
}

export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  AddSite: grpc.handleUnaryCall<_consilium_v1_AddSiteRequest__Output, _consilium_v1_AddSiteReply>;
  
  CancelRun: grpc.handleUnaryCall<_consilium_v1_CancelRunRequest__Output, _consilium_v1_RunView>;
  
  ChangePartners: grpc.handleUnaryCall<_consilium_v1_ChangePartnersRequest__Output, _consilium_v1_StudyView>;
  
  CreateStudy: grpc.handleClientStreamingCall<_consilium_v1_CreateStudyPart__Output, _consilium_v1_StudyView>;
  
  ExportModel: grpc.handleUnaryCall<_consilium_v1_ExportModelRequest__Output, _consilium_v1_ExportedModel>;
  
  FetchObject: grpc.handleServerStreamingCall<_consilium_v1_FetchObjectRequest__Output, _consilium_v1_ObjectChunk>;
  
  FinishRun: grpc.handleUnaryCall<_consilium_v1_FinishRunRequest__Output, _consilium_v1_RunView>;
  
  ListRuns: grpc.handleServerStreamingCall<_consilium_v1_ListRunsRequest__Output, _consilium_v1_RunView>;
  
  ListSites: grpc.handleUnaryCall<_consilium_v1_ListSitesRequest__Output, _consilium_v1_SiteList>;
  
  ListStudies: grpc.handleUnaryCall<_consilium_v1_ListStudiesRequest__Output, _consilium_v1_StudyList>;
  
  PlanRun: grpc.handleUnaryCall<_consilium_v1_StartRunRequest__Output, _consilium_v1_RunOutlook>;
  
  ReadLog: grpc.handleServerStreamingCall<_consilium_v1_ReadLogRequest__Output, _consilium_v1_LogEntry>;
  
  Recover: grpc.handleUnaryCall<_consilium_v1_RecoverRequest__Output, _consilium_v1_RecoveryView>;
  
  RevokeSite: grpc.handleUnaryCall<_consilium_v1_RevokeSiteRequest__Output, _consilium_v1_SiteView>;
  
  RollBackRun: grpc.handleUnaryCall<_consilium_v1_RollBackRunRequest__Output, _consilium_v1_RunView>;
  
  RotateKey: grpc.handleUnaryCall<_consilium_v1_RotateKeyRequest__Output, _consilium_v1_KeyView>;
  
  ShowKey: grpc.handleUnaryCall<_consilium_v1_ShowKeyRequest__Output, _consilium_v1_KeyView>;
  
  ShowRecovery: grpc.handleUnaryCall<_consilium_v1_ShowRecoveryRequest__Output, _consilium_v1_RecoveryView>;
  
  ShowRun: grpc.handleServerStreamingCall<_consilium_v1_ShowRunRequest__Output, _consilium_v1_RunView>;
  
  ShowStudy: grpc.handleUnaryCall<_consilium_v1_ShowStudyRequest__Output, _consilium_v1_StudyView>;
  
  SignedHead: grpc.handleUnaryCall<_consilium_v1_SignedHeadRequest__Output, _consilium_v1_Checkpoint>;
  
  StartRun: grpc.handleUnaryCall<_consilium_v1_StartRunRequest__Output, _consilium_v1_RunView>;
  
  WatchRun: grpc.handleServerStreamingCall<_consilium_v1_WatchRunRequest__Output, _consilium_v1_RunView>;
  
  WatchStudy: grpc.handleServerStreamingCall<_consilium_v1_WatchStudyRequest__Output, _consilium_v1_StudyView>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  AddSite: MethodDefinition<_consilium_v1_AddSiteRequest, _consilium_v1_AddSiteReply, _consilium_v1_AddSiteRequest__Output, _consilium_v1_AddSiteReply__Output>
  CancelRun: MethodDefinition<_consilium_v1_CancelRunRequest, _consilium_v1_RunView, _consilium_v1_CancelRunRequest__Output, _consilium_v1_RunView__Output>
  ChangePartners: MethodDefinition<_consilium_v1_ChangePartnersRequest, _consilium_v1_StudyView, _consilium_v1_ChangePartnersRequest__Output, _consilium_v1_StudyView__Output>
  CreateStudy: MethodDefinition<_consilium_v1_CreateStudyPart, _consilium_v1_StudyView, _consilium_v1_CreateStudyPart__Output, _consilium_v1_StudyView__Output>
  ExportModel: MethodDefinition<_consilium_v1_ExportModelRequest, _consilium_v1_ExportedModel, _consilium_v1_ExportModelRequest__Output, _consilium_v1_ExportedModel__Output>
  FetchObject: MethodDefinition<_consilium_v1_FetchObjectRequest, _consilium_v1_ObjectChunk, _consilium_v1_FetchObjectRequest__Output, _consilium_v1_ObjectChunk__Output>
  FinishRun: MethodDefinition<_consilium_v1_FinishRunRequest, _consilium_v1_RunView, _consilium_v1_FinishRunRequest__Output, _consilium_v1_RunView__Output>
  ListRuns: MethodDefinition<_consilium_v1_ListRunsRequest, _consilium_v1_RunView, _consilium_v1_ListRunsRequest__Output, _consilium_v1_RunView__Output>
  ListSites: MethodDefinition<_consilium_v1_ListSitesRequest, _consilium_v1_SiteList, _consilium_v1_ListSitesRequest__Output, _consilium_v1_SiteList__Output>
  ListStudies: MethodDefinition<_consilium_v1_ListStudiesRequest, _consilium_v1_StudyList, _consilium_v1_ListStudiesRequest__Output, _consilium_v1_StudyList__Output>
  PlanRun: MethodDefinition<_consilium_v1_StartRunRequest, _consilium_v1_RunOutlook, _consilium_v1_StartRunRequest__Output, _consilium_v1_RunOutlook__Output>
  ReadLog: MethodDefinition<_consilium_v1_ReadLogRequest, _consilium_v1_LogEntry, _consilium_v1_ReadLogRequest__Output, _consilium_v1_LogEntry__Output>
  Recover: MethodDefinition<_consilium_v1_RecoverRequest, _consilium_v1_RecoveryView, _consilium_v1_RecoverRequest__Output, _consilium_v1_RecoveryView__Output>
  RevokeSite: MethodDefinition<_consilium_v1_RevokeSiteRequest, _consilium_v1_SiteView, _consilium_v1_RevokeSiteRequest__Output, _consilium_v1_SiteView__Output>
  RollBackRun: MethodDefinition<_consilium_v1_RollBackRunRequest, _consilium_v1_RunView, _consilium_v1_RollBackRunRequest__Output, _consilium_v1_RunView__Output>
  RotateKey: MethodDefinition<_consilium_v1_RotateKeyRequest, _consilium_v1_KeyView, _consilium_v1_RotateKeyRequest__Output, _consilium_v1_KeyView__Output>
  ShowKey: MethodDefinition<_consilium_v1_ShowKeyRequest, _consilium_v1_KeyView, _consilium_v1_ShowKeyRequest__Output, _consilium_v1_KeyView__Output>
  ShowRecovery: MethodDefinition<_consilium_v1_ShowRecoveryRequest, _consilium_v1_RecoveryView, _consilium_v1_ShowRecoveryRequest__Output, _consilium_v1_RecoveryView__Output>
  ShowRun: MethodDefinition<_consilium_v1_ShowRunRequest, _consilium_v1_RunView, _consilium_v1_ShowRunRequest__Output, _consilium_v1_RunView__Output>
  ShowStudy: MethodDefinition<_consilium_v1_ShowStudyRequest, _consilium_v1_StudyView, _consilium_v1_ShowStudyRequest__Output, _consilium_v1_StudyView__Output>
  SignedHead: MethodDefinition<_consilium_v1_SignedHeadRequest, _consilium_v1_Checkpoint, _consilium_v1_SignedHeadRequest__Output, _consilium_v1_Checkpoint__Output>
  StartRun: MethodDefinition<_consilium_v1_StartRunRequest, _consilium_v1_RunView, _consilium_v1_StartRunRequest__Output, _consilium_v1_RunView__Output>
  WatchRun: MethodDefinition<_consilium_v1_WatchRunRequest, _consilium_v1_RunView, _consilium_v1_WatchRunRequest__Output, _consilium_v1_RunView__Output>
  WatchStudy: MethodDefinition<_consilium_v1_WatchStudyRequest, _consilium_v1_StudyView, _consilium_v1_WatchStudyRequest__Output, _consilium_v1_StudyView__Output>
}
