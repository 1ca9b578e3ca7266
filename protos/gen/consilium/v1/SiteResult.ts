// Original file: admin.proto

import type { Long } from '@grpc/proto-loader';

export interface SiteResult {
  'site'?: (string);
  'auroc'?: (number | string);
  'accuracy'?: (number | string);
  'loss'?: (number | string);
  'examples'?: (number | string | Long);
  '_auroc'?: "auroc";
  '_accuracy'?: "accuracy";
  '_loss'?: "loss";
}

export interface SiteResult__Output {
  'site': (string);
  'auroc'?: (number);
  'accuracy'?: (number);
  'loss'?: (number);
  'examples': (number);
  '_auroc'?: "auroc";
  '_accuracy'?: "accuracy";
  '_loss'?: "loss";
}
