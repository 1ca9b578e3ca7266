// Original file: admin.proto

import type { SiteDecision as _consilium_v1_SiteDecision, SiteDecision__Output as _consilium_v1_SiteDecision__Output } from '../../consilium/v1/SiteDecision.ts';
import type { PartnerSet as _consilium_v1_PartnerSet, PartnerSet__Output as _consilium_v1_PartnerSet__Output } from '../../consilium/v1/PartnerSet.ts';
import type { PartnerChangeView as _consilium_v1_PartnerChangeView, PartnerChangeView__Output as _consilium_v1_PartnerChangeView__Output } from '../../consilium/v1/PartnerChangeView.ts';

export interface StudyView {
  'hash'?: (string);
  'name'?: (string);
  'title'?: (string);
  'leadFingerprint'?: (string);
  'createdAt'?: (string);
  'decisions'?: (_consilium_v1_SiteDecision)[];
  'signedStudy'?: (Buffer | Uint8Array | string);
  'partners'?: (_consilium_v1_PartnerSet)[];
  'partnerChanges'?: (_consilium_v1_PartnerChangeView)[];
}

export interface StudyView__Output {
  'hash': (string);
  'name': (string);
  'title': (string);
  'leadFingerprint': (string);
  'createdAt': (string);
  'decisions': (_consilium_v1_SiteDecision__Output)[];
  'signedStudy': (Buffer);
  'partners': (_consilium_v1_PartnerSet__Output)[];
  'partnerChanges': (_consilium_v1_PartnerChangeView__Output)[];
}
