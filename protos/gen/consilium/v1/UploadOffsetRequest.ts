// Original file: federation.proto


export interface UploadOffsetRequest {
  'planHash'?: (Buffer | Uint8Array | string);
}

export interface UploadOffsetRequest__Output {
  'planHash': (Buffer);
}
