// Original file: admin.proto


export interface ExportedModel {
  'sha256'?: (Buffer | Uint8Array | string);
}

export interface ExportedModel__Output {
  'sha256': (Buffer);
}
