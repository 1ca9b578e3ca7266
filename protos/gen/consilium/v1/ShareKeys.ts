// Original file: secagg.proto

import type { SharedTo as _consilium_v1_SharedTo, SharedTo__Output as _consilium_v1_SharedTo__Output } from '../../consilium/v1/SharedTo.ts';

export interface ShareKeys {
  'planHash'?: (Buffer | Uint8Array | string);
  'selfCommitment'?: (Buffer | Uint8Array | string);
  'rows'?: (_consilium_v1_SharedTo)[];
  'signature'?: (Buffer | Uint8Array | string);
  'groupCommitment'?: (Buffer | Uint8Array | string);
}

export interface ShareKeys__Output {
  'planHash': (Buffer);
  'selfCommitment': (Buffer);
  'rows': (_consilium_v1_SharedTo__Output)[];
  'signature': (Buffer);
  'groupCommitment': (Buffer);
}
