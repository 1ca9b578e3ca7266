// Original file: federation.proto


export interface Assignment {
  'plan'?: (Buffer | Uint8Array | string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Assignment__Output {
  'plan': (Buffer);
  'signature': (Buffer);
}
