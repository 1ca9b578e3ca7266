// Original file: admin.proto


export interface SiteStandsOut {
  'studyHash'?: (string);
  'studyName'?: (string);
  'purpose'?: (string);
  'code'?: (string);
}

export interface SiteStandsOut__Output {
  'studyHash': (string);
  'studyName': (string);
  'purpose': (string);
  'code': (string);
}
