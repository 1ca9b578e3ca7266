// Original file: secagg.proto


export interface Replay {
  'selfSeeds'?: (Buffer | Uint8Array | string)[];
  'maskSecretKeys'?: (Buffer | Uint8Array | string)[];
  'uploads'?: (Buffer | Uint8Array | string)[];
}

export interface Replay__Output {
  'selfSeeds': (Buffer)[];
  'maskSecretKeys': (Buffer)[];
  'uploads': (Buffer)[];
}
