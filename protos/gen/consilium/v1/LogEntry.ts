// Original file: admin.proto


export interface LogEntry {
  'entry'?: (Buffer | Uint8Array | string);
}

export interface LogEntry__Output {
  'entry': (Buffer);
}
