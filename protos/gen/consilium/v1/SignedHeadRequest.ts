// Original file: admin.proto


export interface SignedHeadRequest {
  'stream'?: (string);
}

export interface SignedHeadRequest__Output {
  'stream': (string);
}
