// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface Progress {
  'planHash'?: (Buffer | Uint8Array | string);
  'done'?: (number | string | Long);
  'total'?: (number | string | Long);
}

export interface Progress__Output {
  'planHash': (Buffer);
  'done': (number);
  'total': (number);
}
