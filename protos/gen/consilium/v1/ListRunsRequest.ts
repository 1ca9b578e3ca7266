// Original file: admin.proto


export interface ListRunsRequest {
}

export interface ListRunsRequest__Output {
}
