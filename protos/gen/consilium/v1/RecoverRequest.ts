// Original file: admin.proto


export interface RecoverRequest {
  'readmit'?: (string)[];
}

export interface RecoverRequest__Output {
  'readmit': (string)[];
}
