// Original file: admin.proto

import type { RunView as _consilium_v1_RunView, RunView__Output as _consilium_v1_RunView__Output } from '../../consilium/v1/RunView.ts';

export interface RunList {
  'runs'?: (_consilium_v1_RunView)[];
}

export interface RunList__Output {
  'runs': (_consilium_v1_RunView__Output)[];
}
