// Original file: federation.proto


export interface RenewReply {
  'certificatePem'?: (string);
}

export interface RenewReply__Output {
  'certificatePem': (string);
}
