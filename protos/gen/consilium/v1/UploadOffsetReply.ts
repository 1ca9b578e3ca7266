// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface UploadOffsetReply {
  'offset'?: (number | string | Long);
  'complete'?: (boolean);
}

export interface UploadOffsetReply__Output {
  'offset': (number);
  'complete': (boolean);
}
