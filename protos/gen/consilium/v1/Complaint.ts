// Original file: secagg.proto


export interface Complaint {
  'planHash'?: (Buffer | Uint8Array | string);
  'against'?: (number);
  'reason'?: (string);
  'signature'?: (Buffer | Uint8Array | string);
}

export interface Complaint__Output {
  'planHash': (Buffer);
  'against': (number);
  'reason': (string);
  'signature': (Buffer);
}
