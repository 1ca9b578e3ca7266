// Original file: federation.proto


export interface Ping {
}

export interface Ping__Output {
}
