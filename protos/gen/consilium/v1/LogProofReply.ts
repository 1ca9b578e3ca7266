// Original file: federation.proto


export interface LogProofReply {
  'consistency'?: (Buffer | Uint8Array | string)[];
  'entry'?: (Buffer | Uint8Array | string);
  'inclusion'?: (Buffer | Uint8Array | string)[];
}

export interface LogProofReply__Output {
  'consistency': (Buffer)[];
  'entry': (Buffer);
  'inclusion': (Buffer)[];
}
