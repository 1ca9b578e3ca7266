// Original file: secagg.proto

import type { Survivor as _consilium_v1_Survivor, Survivor__Output as _consilium_v1_Survivor__Output } from '../../consilium/v1/Survivor.ts';
import type { LogHead as _consilium_v1_LogHead, LogHead__Output as _consilium_v1_LogHead__Output } from '../../consilium/v1/LogHead.ts';

export interface Survivors {
  'planHash'?: (Buffer | Uint8Array | string);
  'survivors'?: (_consilium_v1_Survivor)[];
  'logHead'?: (_consilium_v1_LogHead | null);
}

export interface Survivors__Output {
  'planHash': (Buffer);
  'survivors': (_consilium_v1_Survivor__Output)[];
  'logHead': (_consilium_v1_LogHead__Output | null);
}
