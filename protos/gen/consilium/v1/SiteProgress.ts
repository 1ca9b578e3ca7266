// Original file: admin.proto

import type { Long } from '@grpc/proto-loader';

export interface SiteProgress {
  'site'?: (string);
  'state'?: (string);
  'done'?: (number | string | Long);
  'total'?: (number | string | Long);
  'uploadedBytes'?: (number | string | Long);
  'awaySince'?: (string);
}

export interface SiteProgress__Output {
  'site': (string);
  'state': (string);
  'done': (number);
  'total': (number);
  'uploadedBytes': (number);
  'awaySince': (string);
}
