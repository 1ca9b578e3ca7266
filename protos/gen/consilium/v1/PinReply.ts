// Original file: federation.proto


export interface PinReply {
}

export interface PinReply__Output {
}
