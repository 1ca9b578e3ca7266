// Original file: federation.proto


export interface Hello {
  'agentVersion'?: (string);
}

export interface Hello__Output {
  'agentVersion': (string);
}
