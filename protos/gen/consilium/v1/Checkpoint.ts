// Original file: admin.proto

import type { Long } from '@grpc/proto-loader';

export interface Checkpoint {
  'size'?: (number | string | Long);
  'root'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Checkpoint__Output {
  'size': (number);
  'root': (Buffer);
  'signature': (Buffer);
}
