// Original file: admin.proto


export interface PartnerChangeView {
  'change'?: (Buffer | Uint8Array | string);
  'at'?: (string);
  'agreed'?: (string)[];
  'awaited'?: (string)[];
  'unsigned'?: (string)[];
}

export interface PartnerChangeView__Output {
  'change': (Buffer);
  'at': (string);
  'agreed': (string)[];
  'awaited': (string)[];
  'unsigned': (string)[];
}
