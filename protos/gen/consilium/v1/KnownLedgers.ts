// Original file: federation.proto

import type { SignedLedger as _consilium_v1_SignedLedger, SignedLedger__Output as _consilium_v1_SignedLedger__Output } from '../../consilium/v1/SignedLedger.ts';

export interface KnownLedgers {
  'ledgers'?: (_consilium_v1_SignedLedger)[];
}

export interface KnownLedgers__Output {
  'ledgers': (_consilium_v1_SignedLedger__Output)[];
}
