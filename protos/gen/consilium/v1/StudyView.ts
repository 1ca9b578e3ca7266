// Original file: admin.proto

import type { SiteDecision as _consilium_v1_SiteDecision, SiteDecision__Output as _consilium_v1_SiteDecision__Output } from '../../consilium/v1/SiteDecision.ts';

export interface StudyView {
  'hash'?: (string);
  'name'?: (string);
  'title'?: (string);
  'leadFingerprint'?: (string);
  'createdAt'?: (string);
  'decisions'?: (_consilium_v1_SiteDecision)[];
  'signedStudy'?: (Buffer | Uint8Array | string);
}

export interface StudyView__Output {
  'hash': (string);
  'name': (string);
  'title': (string);
  'leadFingerprint': (string);
  'createdAt': (string);
  'decisions': (_consilium_v1_SiteDecision__Output)[];
  'signedStudy': (Buffer);
}
