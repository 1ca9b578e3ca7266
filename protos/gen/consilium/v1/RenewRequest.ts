// Original file: federation.proto


export interface RenewRequest {
  'certificateRequest'?: (Buffer | Uint8Array | string);
}

export interface RenewRequest__Output {
  'certificateRequest': (Buffer);
}
