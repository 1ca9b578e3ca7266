// Original file: federation.proto

import type { UploadHeader as _consilium_v1_UploadHeader, UploadHeader__Output as _consilium_v1_UploadHeader__Output } from '../../consilium/v1/UploadHeader.ts';

export interface UploadPart {
  'header'?: (_consilium_v1_UploadHeader | null);
  'chunk'?: (Buffer | Uint8Array | string);
  'part'?: "header"|"chunk";
}

export interface UploadPart__Output {
  'header'?: (_consilium_v1_UploadHeader__Output | null);
  'chunk'?: (Buffer);
  'part'?: "header"|"chunk";
}
