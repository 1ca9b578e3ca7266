// Original file: admin.proto


export interface ShowKeyRequest {
}

export interface ShowKeyRequest__Output {
}
