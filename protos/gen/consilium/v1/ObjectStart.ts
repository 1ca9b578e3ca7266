// Original file: admin.proto

import type { Long } from '@grpc/proto-loader';

export interface ObjectStart {
  'sha256'?: (Buffer | Uint8Array | string);
  'size'?: (number | string | Long);
}

export interface ObjectStart__Output {
  'sha256': (Buffer);
  'size': (number);
}
