// Original file: admin.proto


export interface TakenColumns {
  'run'?: (string);
  'columns'?: (string)[];
}

export interface TakenColumns__Output {
  'run': (string);
  'columns': (string)[];
}
