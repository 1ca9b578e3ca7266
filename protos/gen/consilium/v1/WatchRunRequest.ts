// Original file: admin.proto


export interface WatchRunRequest {
  'run'?: (string);
}

export interface WatchRunRequest__Output {
  'run': (string);
}
