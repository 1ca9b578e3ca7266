// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface UploadReply {
  'size'?: (number | string | Long);
}

export interface UploadReply__Output {
  'size': (number);
}
