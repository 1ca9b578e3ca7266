// Original file: secagg.proto


export interface AdvertiseKeys {
  'planHash'?: (Buffer | Uint8Array | string);
}

export interface AdvertiseKeys__Output {
  'planHash': (Buffer);
}
