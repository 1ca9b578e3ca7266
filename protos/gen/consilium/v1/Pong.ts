// Original file: federation.proto


export interface Pong {
}

export interface Pong__Output {
}
