// Original file: admin.proto


export interface RevokeSiteRequest {
  'name'?: (string);
  'reason'?: (string);
}

export interface RevokeSiteRequest__Output {
  'name': (string);
  'reason': (string);
}
