// Original file: admin.proto


export interface ExportModelRequest {
  'run'?: (string);
}

export interface ExportModelRequest__Output {
  'run': (string);
}
