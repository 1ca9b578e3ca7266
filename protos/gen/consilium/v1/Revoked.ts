// Original file: federation.proto

import type { Revocation as _consilium_v1_Revocation, Revocation__Output as _consilium_v1_Revocation__Output } from '../../consilium/v1/Revocation.ts';

export interface Revoked {
  'revocations'?: (_consilium_v1_Revocation)[];
}

export interface Revoked__Output {
  'revocations': (_consilium_v1_Revocation__Output)[];
}
