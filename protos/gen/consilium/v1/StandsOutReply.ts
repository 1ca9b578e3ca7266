// Original file: federation.proto


export interface StandsOutReply {
}

export interface StandsOutReply__Output {
}
