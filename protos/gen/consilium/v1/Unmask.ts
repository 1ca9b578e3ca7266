// Original file: secagg.proto

import type { RevealedShare as _consilium_v1_RevealedShare, RevealedShare__Output as _consilium_v1_RevealedShare__Output } from '../../consilium/v1/RevealedShare.ts';

export interface Unmask {
  'planHash'?: (Buffer | Uint8Array | string);
  'revealed'?: (_consilium_v1_RevealedShare)[];
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Unmask__Output {
  'planHash': (Buffer);
  'revealed': (_consilium_v1_RevealedShare__Output)[];
  'signature': (Buffer);
}
