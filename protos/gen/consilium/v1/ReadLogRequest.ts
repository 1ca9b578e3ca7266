// Original file: admin.proto


export interface ReadLogRequest {
  'stream'?: (string);
}

export interface ReadLogRequest__Output {
  'stream': (string);
}
