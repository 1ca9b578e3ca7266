// Original file: admin.proto


export interface ShowRecoveryRequest {
}

export interface ShowRecoveryRequest__Output {
}
