// Original file: admin.proto

import type { Long } from '@grpc/proto-loader';

export interface FetchObjectRequest {
  'sha256'?: (Buffer | Uint8Array | string);
  'offset'?: (number | string | Long);
}

export interface FetchObjectRequest__Output {
  'sha256': (Buffer);
  'offset': (number);
}
