// Original file: federation.proto


export interface StudyDecisionReply {
}

export interface StudyDecisionReply__Output {
}
