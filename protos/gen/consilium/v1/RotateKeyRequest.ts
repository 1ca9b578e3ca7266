// Original file: admin.proto


export interface RotateKeyRequest {
}

export interface RotateKeyRequest__Output {
}
