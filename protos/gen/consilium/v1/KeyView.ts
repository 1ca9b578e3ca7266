// Original file: admin.proto

import type { KeyRotationView as _consilium_v1_KeyRotationView, KeyRotationView__Output as _consilium_v1_KeyRotationView__Output } from '../../consilium/v1/KeyRotationView.ts';

export interface KeyView {
  'fingerprint'?: (string);
  'rotations'?: (_consilium_v1_KeyRotationView)[];
}

export interface KeyView__Output {
  'fingerprint': (string);
  'rotations': (_consilium_v1_KeyRotationView__Output)[];
}
