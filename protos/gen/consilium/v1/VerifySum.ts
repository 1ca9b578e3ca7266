// Original file: secagg.proto

import type { Replay as _consilium_v1_Replay, Replay__Output as _consilium_v1_Replay__Output } from '../../consilium/v1/Replay.ts';

export interface VerifySum {
  'planHash'?: (Buffer | Uint8Array | string);
  'sums'?: (Buffer | Uint8Array | string);
  'made'?: (Buffer | Uint8Array | string);
  'words'?: (Buffer | Uint8Array | string);
  'replay'?: (_consilium_v1_Replay | null);
}

export interface VerifySum__Output {
  'planHash': (Buffer);
  'sums': (Buffer);
  'made': (Buffer);
  'words': (Buffer);
  'replay': (_consilium_v1_Replay__Output | null);
}
