// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface UploadHeader {
  'planHash'?: (Buffer | Uint8Array | string);
  'sha256'?: (Buffer | Uint8Array | string);
  'size'?: (number | string | Long);
  'offset'?: (number | string | Long);
}

export interface UploadHeader__Output {
  'planHash': (Buffer);
  'sha256': (Buffer);
  'size': (number);
  'offset': (number);
}
