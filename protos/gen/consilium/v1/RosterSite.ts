// Original file: federation.proto


export interface RosterSite {
  'site'?: (string);
  'identityPublicKey'?: (Buffer | Uint8Array | string);
}

export interface RosterSite__Output {
  'site': (string);
  'identityPublicKey': (Buffer);
}
