// Original file: admin.proto

import type { Long } from '@grpc/proto-loader';

export interface RecoveryDone {
  'at'?: (string);
  'epoch'?: (number);
  'size'?: (number | string | Long);
}

export interface RecoveryDone__Output {
  'at': (string);
  'epoch': (number);
  'size': (number);
}
