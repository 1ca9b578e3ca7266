// Original file: admin.proto

import type { LossView as _consilium_v1_LossView, LossView__Output as _consilium_v1_LossView__Output } from '../../consilium/v1/LossView.ts';
import type { RecoveryDone as _consilium_v1_RecoveryDone, RecoveryDone__Output as _consilium_v1_RecoveryDone__Output } from '../../consilium/v1/RecoveryDone.ts';

export interface RecoveryView {
  'federation'?: (string);
  'epoch'?: (number);
  'losses'?: (_consilium_v1_LossView)[];
  'recoveries'?: (_consilium_v1_RecoveryDone)[];
  'openRuns'?: (string)[];
  'lostRuns'?: (string)[];
  'revoked'?: (string)[];
  'unknownCertificates'?: (string)[];
  'invited'?: (string)[];
}

export interface RecoveryView__Output {
  'federation': (string);
  'epoch': (number);
  'losses': (_consilium_v1_LossView__Output)[];
  'recoveries': (_consilium_v1_RecoveryDone__Output)[];
  'openRuns': (string)[];
  'lostRuns': (string)[];
  'revoked': (string)[];
  'unknownCertificates': (string)[];
  'invited': (string)[];
}
