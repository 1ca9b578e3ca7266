// Original file: federation.proto

import type { KeyRotation as _consilium_v1_KeyRotation, KeyRotation__Output as _consilium_v1_KeyRotation__Output } from '../../consilium/v1/KeyRotation.ts';

export interface CoordinatorKeys {
  'rotations'?: (_consilium_v1_KeyRotation)[];
}

export interface CoordinatorKeys__Output {
  'rotations': (_consilium_v1_KeyRotation__Output)[];
}
