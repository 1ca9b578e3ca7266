// Original file: admin.proto


export interface ChangePartnersRequest {
  'change'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface ChangePartnersRequest__Output {
  'change': (Buffer);
  'signature': (Buffer);
}
