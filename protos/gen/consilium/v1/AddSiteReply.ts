// Original file: admin.proto


export interface AddSiteReply {
  'joinCode'?: (string);
  'expiresAt'?: (string);
}

export interface AddSiteReply__Output {
  'joinCode': (string);
  'expiresAt': (string);
}
