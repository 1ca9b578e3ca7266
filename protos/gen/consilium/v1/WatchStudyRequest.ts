// Original file: admin.proto


export interface WatchStudyRequest {
  'study'?: (string);
}

export interface WatchStudyRequest__Output {
  'study': (string);
}
