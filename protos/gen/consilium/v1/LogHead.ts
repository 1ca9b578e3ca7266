// Original file: secagg.proto

import type { Long } from '@grpc/proto-loader';

export interface LogHead {
  'size'?: (number | string | Long);
  'root'?: (Buffer | Uint8Array | string);
}

export interface LogHead__Output {
  'size': (number);
  'root': (Buffer);
}
