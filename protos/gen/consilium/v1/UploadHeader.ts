// Original file: federation.proto

import type { MaskedInput as _consilium_v1_MaskedInput, MaskedInput__Output as _consilium_v1_MaskedInput__Output } from '../../consilium/v1/MaskedInput.ts';
import type { Long } from '@grpc/proto-loader';

export interface UploadHeader {
  'planHash'?: (Buffer | Uint8Array | string);
  'sha256'?: (Buffer | Uint8Array | string);
  'size'?: (number | string | Long);
  'offset'?: (number | string | Long);
  'masked'?: (_consilium_v1_MaskedInput | null);
}

export interface UploadHeader__Output {
  'planHash': (Buffer);
  'sha256': (Buffer);
  'size': (number);
  'offset': (number);
  'masked': (_consilium_v1_MaskedInput__Output | null);
}
