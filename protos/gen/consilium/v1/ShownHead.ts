// Original file: federation.proto

import type { SignedHead as _consilium_v1_SignedHead, SignedHead__Output as _consilium_v1_SignedHead__Output } from '../../consilium/v1/SignedHead.ts';
import type { Recovery as _consilium_v1_Recovery, Recovery__Output as _consilium_v1_Recovery__Output } from '../../consilium/v1/Recovery.ts';

export interface ShownHead {
  'head'?: (_consilium_v1_SignedHead | null);
  'consistency'?: (Buffer | Uint8Array | string)[];
  'recoveries'?: (_consilium_v1_Recovery)[];
}

export interface ShownHead__Output {
  'head': (_consilium_v1_SignedHead__Output | null);
  'consistency': (Buffer)[];
  'recoveries': (_consilium_v1_Recovery__Output)[];
}
