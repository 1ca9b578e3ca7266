// Original file: admin.proto

import type { ObjectStart as _consilium_v1_ObjectStart, ObjectStart__Output as _consilium_v1_ObjectStart__Output } from '../../consilium/v1/ObjectStart.ts';

export interface CreateStudyPart {
  'signedStudy'?: (Buffer | Uint8Array | string);
  'object'?: (_consilium_v1_ObjectStart | null);
  'chunk'?: (Buffer | Uint8Array | string);
  'part'?: "signedStudy"|"object"|"chunk";
}

export interface CreateStudyPart__Output {
  'signedStudy'?: (Buffer);
  'object'?: (_consilium_v1_ObjectStart__Output | null);
  'chunk'?: (Buffer);
  'part'?: "signedStudy"|"object"|"chunk";
}
