// Original file: admin.proto


export interface AddSiteRequest {
  'name'?: (string);
  'validMinutes'?: (number);
}

export interface AddSiteRequest__Output {
  'name': (string);
  'validMinutes': (number);
}
