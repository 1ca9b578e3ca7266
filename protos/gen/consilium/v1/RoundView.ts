// Original file: admin.proto

import type { Dropout as _consilium_v1_Dropout, Dropout__Output as _consilium_v1_Dropout__Output } from '../../consilium/v1/Dropout.ts';
import type { SecureSession as _consilium_v1_SecureSession, SecureSession__Output as _consilium_v1_SecureSession__Output } from '../../consilium/v1/SecureSession.ts';
import type { Long } from '@grpc/proto-loader';

export interface RoundView {
  'round'?: (number);
  'cohort'?: (string)[];
  'survivors'?: (string)[];
  'dropouts'?: (_consilium_v1_Dropout)[];
  'loss'?: (number | string);
  'auroc'?: (number | string);
  'accuracy'?: (number | string);
  'trainingLoss'?: (number | string);
  'uploadBytes'?: (number | string | Long);
  'seconds'?: (number | string);
  'clippedShare'?: (number | string);
  'parametersSha256'?: (Buffer | Uint8Array | string);
  'meanSiteAccuracy'?: (number | string);
  'secure'?: (_consilium_v1_SecureSession | null);
  'contributors'?: (number | string);
  'withheld'?: (string);
  'interrupted'?: (string)[];
  '_loss'?: "loss";
  '_auroc'?: "auroc";
  '_accuracy'?: "accuracy";
  '_trainingLoss'?: "trainingLoss";
  '_meanSiteAccuracy'?: "meanSiteAccuracy";
  '_contributors'?: "contributors";
}

export interface RoundView__Output {
  'round': (number);
  'cohort': (string)[];
  'survivors': (string)[];
  'dropouts': (_consilium_v1_Dropout__Output)[];
  'loss'?: (number);
  'auroc'?: (number);
  'accuracy'?: (number);
  'trainingLoss'?: (number);
  'uploadBytes': (number);
  'seconds': (number);
  'clippedShare': (number);
  'parametersSha256': (Buffer);
  'meanSiteAccuracy'?: (number);
  'secure': (_consilium_v1_SecureSession__Output | null);
  'contributors'?: (number);
  'withheld': (string);
  'interrupted': (string)[];
  '_loss'?: "loss";
  '_auroc'?: "auroc";
  '_accuracy'?: "accuracy";
  '_trainingLoss'?: "trainingLoss";
  '_meanSiteAccuracy'?: "meanSiteAccuracy";
  '_contributors'?: "contributors";
}
