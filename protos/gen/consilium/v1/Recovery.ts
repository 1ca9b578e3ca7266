// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface Recovery {
  'epoch'?: (number);
  'size'?: (number | string | Long);
  'root'?: (Buffer | Uint8Array | string);
  'at'?: (string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Recovery__Output {
  'epoch': (number);
  'size': (number);
  'root': (Buffer);
  'at': (string);
  'signature': (Buffer);
}
