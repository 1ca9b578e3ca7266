// Original file: federation.proto

import type { SignedHead as _consilium_v1_SignedHead, SignedHead__Output as _consilium_v1_SignedHead__Output } from '../../consilium/v1/SignedHead.ts';
import type { Revocation as _consilium_v1_Revocation, Revocation__Output as _consilium_v1_Revocation__Output } from '../../consilium/v1/Revocation.ts';
import type { KeyRotation as _consilium_v1_KeyRotation, KeyRotation__Output as _consilium_v1_KeyRotation__Output } from '../../consilium/v1/KeyRotation.ts';

export interface KnownHeads {
  'heads'?: (_consilium_v1_SignedHead)[];
  'revocations'?: (_consilium_v1_Revocation)[];
  'rotations'?: (_consilium_v1_KeyRotation)[];
}

export interface KnownHeads__Output {
  'heads': (_consilium_v1_SignedHead__Output)[];
  'revocations': (_consilium_v1_Revocation__Output)[];
  'rotations': (_consilium_v1_KeyRotation__Output)[];
}
