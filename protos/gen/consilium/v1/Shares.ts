// Original file: secagg.proto

import type { Sharer as _consilium_v1_Sharer, Sharer__Output as _consilium_v1_Sharer__Output } from '../../consilium/v1/Sharer.ts';
import type { ReceivedShare as _consilium_v1_ReceivedShare, ReceivedShare__Output as _consilium_v1_ReceivedShare__Output } from '../../consilium/v1/ReceivedShare.ts';

export interface Shares {
  'planHash'?: (Buffer | Uint8Array | string);
  'sharers'?: (_consilium_v1_Sharer)[];
  'received'?: (_consilium_v1_ReceivedShare)[];
}

export interface Shares__Output {
  'planHash': (Buffer);
  'sharers': (_consilium_v1_Sharer__Output)[];
  'received': (_consilium_v1_ReceivedShare__Output)[];
}
