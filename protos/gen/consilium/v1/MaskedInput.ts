// Original file: secagg.proto


export interface MaskedInput {
  'root'?: (Buffer | Uint8Array | string);
  'vectorHashes'?: (Buffer | Uint8Array | string)[];
  'signature'?: (Buffer | Uint8Array | string);
}

export interface MaskedInput__Output {
  'root': (Buffer);
  'vectorHashes': (Buffer)[];
  'signature': (Buffer);
}
