// Original file: admin.proto


export interface LossView {
  'at'?: (string);
  'by'?: (string);
  'what'?: (string);
  'text'?: (string);
}

export interface LossView__Output {
  'at': (string);
  'by': (string);
  'what': (string);
  'text': (string);
}
