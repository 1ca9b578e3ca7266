// Original file: federation.proto

import type { Long } from '@grpc/proto-loader';

export interface LogProofRequest {
  'run'?: (string);
  'oldSize'?: (number | string | Long);
  'newSize'?: (number | string | Long);
  'seq'?: (number | string | Long);
}

export interface LogProofRequest__Output {
  'run': (string);
  'oldSize': (number);
  'newSize': (number);
  'seq': (number);
}
