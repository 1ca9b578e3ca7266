// Original file: federation.proto


export interface PartnerWordReply {
}

export interface PartnerWordReply__Output {
}
