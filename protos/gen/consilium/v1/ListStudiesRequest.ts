// Original file: admin.proto


export interface ListStudiesRequest {
}

export interface ListStudiesRequest__Output {
}
