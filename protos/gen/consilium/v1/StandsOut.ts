// Original file: federation.proto

import type { StoodOut as _consilium_v1_StoodOut, StoodOut__Output as _consilium_v1_StoodOut__Output } from '../../consilium/v1/StoodOut.ts';

export interface StandsOut {
  'of'?: (_consilium_v1_StoodOut)[];
}

export interface StandsOut__Output {
  'of': (_consilium_v1_StoodOut__Output)[];
}
