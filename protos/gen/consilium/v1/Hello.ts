// Original file: federation.proto


export interface Hello {
  'agentVersion'?: (string);
  'nonce'?: (Buffer | Uint8Array | string);
  'earlier'?: (Buffer | Uint8Array | string)[];
  'planFormat'?: (number);
}

export interface Hello__Output {
  'agentVersion': (string);
  'nonce': (Buffer);
  'earlier': (Buffer)[];
  'planFormat': (number);
}
