// Original file: admin.proto

import type { StudyView as _consilium_v1_StudyView, StudyView__Output as _consilium_v1_StudyView__Output } from '../../consilium/v1/StudyView.ts';

export interface StudyList {
  'studies'?: (_consilium_v1_StudyView)[];
}

export interface StudyList__Output {
  'studies': (_consilium_v1_StudyView__Output)[];
}
