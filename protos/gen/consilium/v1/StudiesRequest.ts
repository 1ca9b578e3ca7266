// Original file: federation.proto


export interface StudiesRequest {
}

export interface StudiesRequest__Output {
}
