// Original file: secagg.proto

import type { Confirmation as _consilium_v1_Confirmation, Confirmation__Output as _consilium_v1_Confirmation__Output } from '../../consilium/v1/Confirmation.ts';

export interface Quorum {
  'planHash'?: (Buffer | Uint8Array | string);
  'confirmations'?: (_consilium_v1_Confirmation)[];
}

export interface Quorum__Output {
  'planHash': (Buffer);
  'confirmations': (_consilium_v1_Confirmation__Output)[];
}
