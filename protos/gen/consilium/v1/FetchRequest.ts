// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface FetchRequest {
  'sha256'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
}

export interface FetchRequest__Output {
  'sha256': (Buffer);
  'offset': (number);
}
